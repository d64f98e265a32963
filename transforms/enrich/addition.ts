import type { CachedFields } from './cache.js';
import { type AddressEntry, missingReason, type Wire } from './names.js';
import type { Lookup } from './reverse.js';
import type { Attempt } from './wire-answers.js';
import { wireText } from './wire-name.js';

/** The name of an event's remote address: what is known now, or what the look-up will return. */
export interface RemoteName {
  entry: AddressEntry;
  attempt: Attempt;
  /** What dns events say; undefined if no process looked up a name with the address. */
  wire: Wire | undefined;
  lookup: Lookup | undefined;
}

/** The name of an event's local address. */
export interface LocalName {
  entry: AddressEntry;
  lookup: Lookup | undefined;
}

/** What to add to a line. A line that is not an attempt has no names and only waits for the lines before it. */
export interface Addition {
  remote?: RemoteName | undefined;
  local?: LocalName | undefined;
  /** The fields after the names. */
  rest: string;
  /**
   * Until when it may wait, in the time of performance.now(). The wait counts from the start of the look-up, so an event
   * that joins a running look-up waits less.
   */
  deadline: number;
}

/** Returns whether the name may still change because a look-up is running. */
export function isUnresolved(one: RemoteName | LocalName | undefined): boolean {
  if (!one?.lookup || ('wire' in one && one.wire?.name)) return false;
  return !one.lookup.done;
}

/** Returns the fields of a name, or '' if there is no name. */
export function nameText({ wire, entry, lookup, attempt }: RemoteName): string {
  if (wire?.name) return wireText(wire.name, attempt.at);
  return entry.hostsText || (lookup?.text ?? '');
}

/**
 * Returns what the cache can keep of an addition whose fields are `text`, for other lines with the same values. Returns
 * undefined if a look-up is still running.
 */
export function cacheable({ remote, local }: Addition, text: string): Omit<CachedFields, 'mapFields'> | undefined {
  if (isUnresolved(remote) || isUnresolved(local)) return;
  const { wire, attempt, entry } = remote ?? {};
  if (wire && attempt && wire.until <= attempt.at + 1) return;
  const name = wire?.name;
  const [before, after] =
    name && attempt ? [name.before, name.after + text.slice(wireText(name, attempt.at).length)] : [text, ''];
  const reason = remote && nameText(remote) === '' ? missingReason(remote.lookup) : undefined;
  const until = Math.min(...[remote, local].map((one) => one?.lookup?.until ?? Number.POSITIVE_INFINITY));
  const times = wire && attempt && { answered: name?.at, from: attempt.at, until: wire.until, askers: wire.askers };
  return { before, after, times, entry, reason, until };
}
