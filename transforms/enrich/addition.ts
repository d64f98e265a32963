import type { Made } from './known.js';
import { missing, type Place } from './names.js';
import type { Lookup } from './reverse.js';
import type { Attempt } from './seen.js';
import { type WireName, wireText } from './wire-name.js';

/** The name of an event's remote address: what is known now, or what the look-up will give. */
export interface Remote {
  place: Place;
  attempt: Attempt;
  /** What was seen on the wire; undefined if nobody asked for the address. */
  wire: Wire | undefined;
  lookup: Lookup | undefined;
}

/** The name that the wire gives, if any, to attempts of the same processes from this one until a time, in microseconds. */
export interface Wire {
  name: WireName | undefined;
  until: number;
  /** 64 bits by the last bits of the IDs of processes that asked for the address: those of no other process matter. */
  askers: readonly [number, number];
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
  if (!one?.lookup || ('wire' in one && one.wire?.name)) return false;
  return !one.lookup.done;
}

/** The fields of a name; '' where there is none. */
export function nameText({ wire, place, lookup, attempt }: Remote): string {
  if (wire?.name) return wireText(wire.name, attempt.at);
  return place.hostsText || (lookup?.text ?? '');
}

/** What other lines with the same values get, where these got `text`; undefined where a name may still come. */
export function lasting({ remote, local }: Addition, text: string): Omit<Made, 'zones'> | undefined {
  if (open(remote) || open(local)) return;
  const { wire, attempt, place } = remote ?? {};
  if (wire && attempt && wire.until <= attempt.at + 1) return;
  const name = wire?.name;
  const [before, after] =
    name && attempt ? [name.before, name.after + text.slice(wireText(name, attempt.at).length)] : [text, ''];
  const reason = remote && nameText(remote) === '' ? missing(remote.lookup) : undefined;
  const until = Math.min(...[remote, local].map((one) => one?.lookup?.until ?? Number.POSITIVE_INFINITY));
  const times = wire && attempt && { answered: name?.at, from: attempt.at, until: wire.until, askers: wire.askers };
  return { before, after, times, place, reason, until };
}
