import type { Made } from './known.js';
import { missing, type Place } from './names.js';
import type { Lookup } from './reverse.js';
import { type Told, toldText } from './seen.js';

/** The name of an event's remote address: what is known now, or what the look-up will give. */
export interface Remote {
  place: Place;
  told: Told | undefined;
  lookup: Lookup | undefined;
  netns: unknown;
  /** When the attempt was made, in microseconds. */
  at: number;
}

/** The name of an event's local address. */
export interface Local {
  place: Place;
  lookup: Lookup | undefined;
}

/** What a line goes on with. One that is no attempt has nothing to wait for but those before it. */
export interface Addition {
  remote?: Remote | undefined;
  local?: Local | undefined;
  /** The fields behind the names. */
  rest: string;
  /** Until when it may wait, in the time of performance.now(): no look-up is waited for longer than the first event does. */
  deadline: number;
}

/** Whether a name may still come. */
export function open(one: Remote | Local | undefined): boolean {
  if (!one?.lookup || ('told' in one && one.told)) return false;
  return !one.lookup.done;
}

/** The fields of a name; '' where there is none. */
export function nameText({ told, place, lookup, at }: Remote): string {
  if (told) return toldText(told, at);
  return place.hostsText || (lookup?.text ?? '');
}

/** What other lines with the same values get, where these got `text`; undefined where a name may still come. */
export function lasting({ remote, local }: Addition, text: string): Omit<Made, 'zones'> | undefined {
  if (open(remote) || open(local)) return;
  const told = remote?.told;
  const [before, after] = told ? [told.before, told.after + text.slice(toldText(told, remote.at).length)] : [text, ''];
  const reason = remote && nameText(remote) === '' ? missing(remote.lookup) : undefined;
  const until = Math.min(...[remote, local].map((one) => one?.lookup?.until ?? Number.POSITIVE_INFINITY));
  return { before, after, told, place: remote?.place, reason, until };
}
