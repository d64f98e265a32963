import type { Line } from '../../schemas/pipe/line/line.js';
import { type Addition, isUnresolved, type LocalName, nameText, type RemoteName } from './addition.js';
import { missingReason, type Names, type Reason } from './names.js';
import type { Lookup } from './reverse.js';
import { member } from './text.js';
import type { EventTime } from './time.js';

export interface NamingOptions {
  /** Left out if no names are added. */
  names?: Names;
  /** Whether local addresses get names too. */
  saddr: boolean;
  /** How long an event may wait for a name (ms). */
  wait: number;
}

/** Names the addresses of attempts, with look-ups that an attempt may wait for. */
export class Naming {
  constructor(
    private readonly options: NamingOptions,
    private readonly time: EventTime,
    /** Called when an event gets no name. */
    private readonly unnamed: (reason: Reason) => void,
  ) {}

  /** Returns what to add to an attempt: its names, followed by `rest`. */
  addition(line: Line, rest: string, now: number): Addition {
    const { names, saddr, wait } = this.options;
    const remote = names && line.field('name') === undefined ? this.#remote(names, line, now) : undefined;
    const local = names && saddr ? this.#local(names, line, now) : undefined;
    const since = Math.max(startOf(remote?.lookup, now), startOf(local?.lookup, now));
    return { remote, local, rest, deadline: since + wait };
  }

  /** Returns whether a line is ready: its names are known, or its deadline has passed. */
  ready({ remote, local, deadline }: Addition, now: number): boolean {
    // A dns event with the name may have come in the meantime.
    if (remote && isUnresolved(remote)) remote.wire = this.options.names?.wire(remote.entry, remote.attempt);
    return now >= deadline || !(isUnresolved(remote) || isUnresolved(local));
  }

  /** Returns the fields for a line that is written now. */
  text({ remote, local, rest }: Addition): string {
    for (const one of [remote, local]) {
      if (one && isUnresolved(one)) this.options.names?.abandon(one.entry, one.lookup as Lookup);
    }
    const name = remote && nameText(remote);
    if (remote && name === '') this.unnamed(missingReason(remote.lookup));
    const [first] = local ? [...local.entry.hosts, ...(local.lookup?.names ?? [])] : [];
    return (name ?? '') + (first === undefined ? '' : member('saddr_name', first)) + rest;
  }

  #remote(names: Names, line: Line, now: number): RemoteName {
    const entry = names.entry(line.field('daddr') as string);
    const attempt = {
      address: entry.address,
      at: this.time.of(line),
      pid: line.field('pid') as number | undefined,
      tid: line.field('tid') as number | undefined,
      cgroup: line.field('cgroup') as string | undefined,
      netns: line.field('netns') as number | undefined,
      own: entry.own,
    };
    const wire = names.wire(entry, attempt);
    const lookup = wire?.name || entry.hostsText ? undefined : names.lookup(entry, now);
    return { entry, attempt, wire, lookup };
  }

  #local(names: Names, line: Line, now: number): LocalName | undefined {
    const saddr = line.field('saddr');
    if (saddr === undefined || line.field('saddr_name') !== undefined) return undefined;
    const entry = names.entry(saddr as string);
    return { entry, lookup: entry.hosts.length > 0 ? undefined : names.lookup(entry, now) };
  }
}

/** Returns when the wait for a look-up starts: when its server was asked, or now if that has not happened yet. */
function startOf(lookup: Lookup | undefined, now: number): number {
  return lookup && !lookup.done ? Math.min(lookup.since, now) : 0;
}
