import type { Line } from '../../schemas/pipe/line/line.js';
import { type Addition, type Local, nameText, open, type Remote } from './addition.js';
import { missing, type Names, type Reason } from './names.js';
import type { Lookup } from './reverse.js';
import { member } from './text.js';
import type { EventTime } from './time.js';

export interface Wanted {
  /** Left out where no names are wanted. */
  names?: Names;
  /** Names of local addresses too. */
  saddr: boolean;
  /** How long an event may wait for a name (ms). */
  wait: number;
}

/** The names of attempts' addresses: those that are known, and those that an attempt waits for. */
export class Naming {
  constructor(
    private readonly wanted: Wanted,
    private readonly time: EventTime,
    /** Called when an event goes on without a name. */
    private readonly unnamed: (reason: Reason) => void,
  ) {}

  /** What an attempt is to go on with: its names, with `rest` behind them. */
  addition(line: Line, rest: string, now: number): Addition {
    const { names, saddr, wait } = this.wanted;
    const remote = names && line.field('name') === undefined ? this.#remote(names, line, now) : undefined;
    const local = names && saddr ? this.#local(names, line, now) : undefined;
    const since = Math.max(begun(remote?.lookup, now), begun(local?.lookup, now));
    return { remote, local, rest, deadline: since + wait };
  }

  /** Whether a line need not wait: its names are there, or will not come in time. */
  ready({ remote, local, deadline }: Addition, now: number): boolean {
    // Meanwhile the answer on the wire may have come.
    if (remote && open(remote)) remote.wire = this.wanted.names?.wire(remote.place, remote.attempt);
    return now >= deadline || !(open(remote) || open(local));
  }

  /** The fields for a line that goes on now. */
  text({ remote, local, rest }: Addition): string {
    for (const one of [remote, local]) {
      if (one && open(one)) this.wanted.names?.leave(one.place, one.lookup as Lookup);
    }
    const name = remote && nameText(remote);
    if (remote && name === '') this.unnamed(missing(remote.lookup));
    const [first] = local ? [...local.place.hosts, ...(local.lookup?.names ?? [])] : [];
    return (name ?? '') + (first === undefined ? '' : member('saddr_name', first)) + rest;
  }

  #remote(names: Names, line: Line, now: number): Remote {
    const place = names.place(line.field('daddr') as string);
    const attempt = {
      address: place.address,
      at: this.time.of(line),
      pid: line.field('pid') as number | undefined,
      tid: line.field('tid') as number | undefined,
      cgroup: line.field('cgroup') as string | undefined,
      netns: line.field('netns') as number | undefined,
      own: place.own,
    };
    const wire = names.wire(place, attempt);
    const lookup = wire?.name || place.hostsText ? undefined : names.lookup(place, now);
    return { place, attempt, wire, lookup };
  }

  #local(names: Names, line: Line, now: number): Local | undefined {
    const saddr = line.field('saddr');
    if (saddr === undefined || line.field('saddr_name') !== undefined) return undefined;
    const place = names.place(saddr as string);
    return { place, lookup: place.hosts.length > 0 ? undefined : names.lookup(place, now) };
  }
}

/** Since when a look-up is waited for: since its server was asked, or from now on. */
function begun(lookup: Lookup | undefined, now: number): number {
  return lookup && !lookup.done ? Math.min(lookup.since, now) : 0;
}
