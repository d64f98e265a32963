import type { Line } from '../../schemas/pipe/line.js';
import type { Output, Stage } from '../../schemas/pipe/stage.js';
import { append } from './append.js';
import { missing, type Names, type Place } from './names.js';
import type { People } from './people.js';
import { Queue } from './queue.js';
import type { Lookup, Missing } from './reverse.js';
import type { Answer } from './seen.js';
import { member } from './text.js';
import type { Zoned } from './zoned.js';

/** How long an event waits for a name of the wire, where `dns` events come: they take another way than it. */
const reorderMs = 20;

/** An address of an event and the name it gets: what is known now, or what the look-up will give. */
interface Naming {
  place: Place;
  text: string;
  /** The name is from the wire: no better one can come. */
  wire: boolean;
  lookup: Lookup | undefined;
}

/** A line that waits. One that is no attempt has nothing to wait for but those before it. */
interface Held {
  bytes: Buffer;
  remote?: Naming | undefined;
  local?: Naming | undefined;
  netns?: unknown;
  at?: number;
  /** The fields behind the names. */
  rest: string;
  /** Until when it may wait: for everything, and for a `dns` event. In the time of performance.now(). */
  deadline: number;
  settled: number;
}

export interface Parts {
  /** Left out where no names are wanted. */
  names?: Names;
  people: People;
  /** Fields by remote address, from maps. */
  zones?: Zoned;
  /** Looks at the files, if it is time. */
  check(now: number): void;
  wait: number;
  keepDns: boolean;
  saddr: boolean;
  /** Hands over what is to be called when a look-up has ended. */
  open(answered: (lookup: Lookup) => void): void;
  close(): void;
}

/**
 * Adds fields to connect and outcome events. Those that wait for a name are kept in their order, with all lines behind
 * them; when many are kept, the input waits too, for as long as the first of them may.
 */
export class Enrich implements Stage {
  readonly name = 'enrich';
  /** How many events went on without a name, by reason. */
  readonly unnamed: Partial<Record<Missing | 'offline', number>> = {};
  readonly #queue = new Queue<Held>();
  #dnsSeen = false;
  #alarm: NodeJS.Timeout | undefined;
  #out: Output | undefined;
  #resume = () => {};

  constructor(
    private readonly parts: Parts,
    readonly filters: Record<string, unknown>,
  ) {}

  open(out: Output): void {
    this.#out = out;
    this.parts.open((lookup) => {
      const { remote, local } = this.#queue.first ?? {};
      if (lookup === remote?.lookup || lookup === local?.lookup) this.#wake();
    });
  }

  line(line: Line, out: Output): void | Promise<void> {
    const { names, keepDns } = this.parts;
    if (line.type === 'connect' || line.type === 'outcome') this.#attempt(line, out);
    else if (line.type !== 'dns' || !names) this.#put(line, out);
    else {
      names.seen.add(line.event as unknown as Answer);
      this.#dnsSeen = true;
      if (keepDns) this.#put(line, out);
      else out.drop();
    }
    if (this.#queue.full) return this.#room(out);
  }

  flush(out: Output): void {
    this.#release(out);
    this.#setAlarm();
  }

  async finish(out: Output): Promise<boolean> {
    for (; this.#queue.first && !out.full; this.#release(out)) await this.#firstReady();
    return this.#queue.first !== undefined;
  }

  counts() {
    return Object.keys(this.unnamed).length > 0 ? { unnamed: this.unnamed } : {};
  }

  reopen(): void {
    this.parts.zones?.reopen();
  }

  end(): void {
    clearTimeout(this.#alarm);
    this.parts.close();
  }

  #put(line: Line, out: Output): void {
    if (this.#queue.first) this.#hold(line, { rest: '', deadline: 0, settled: 0 });
    else out.pass(line);
  }

  #attempt(line: Line, out: Output): void {
    const now = performance.now();
    const { names, people, zones, wait, saddr } = this.parts;
    this.parts.check(now);
    const rest = people.text(line) + (zones ? zones.text(line) : '');
    const remote = names && line.field('name') === undefined ? this.#remote(line, now) : undefined;
    const local = names && saddr ? this.#local(line, now) : undefined;
    const settled = this.#dnsSeen ? now + Math.min(reorderMs, wait) : 0;
    const held = { remote, local, rest, deadline: now + wait, settled };
    if (this.#queue.first || !this.#ready(held, now)) {
      this.#hold(line, remote ? { ...held, netns: line.field('netns'), at: attemptTime(line) } : held);
    } else append(out, line.buffer, line.start, line.end, this.#text(held));
  }

  #remote(line: Line, now: number): Naming {
    const names = this.parts.names as Names;
    const place = names.place(line.field('daddr') as string);
    const seen = names.seen.size > 0 ? names.seen.fields(place.address, line.field('netns'), attemptTime(line)) : '';
    const text = seen || place.hostsText;
    return { place, text, wire: seen !== '', lookup: text ? undefined : names.lookup(place, now) };
  }

  #local(line: Line, now: number): Naming | undefined {
    const saddr = line.field('saddr');
    if (saddr === undefined || line.field('saddr_name') !== undefined) return undefined;
    const names = this.parts.names as Names;
    const place = names.place(saddr as string);
    const [first] = place.hosts;
    if (first !== undefined) return { place, text: member('saddr_name', first), wire: false, lookup: undefined };
    return { place, text: '', wire: false, lookup: names.lookup(place, now) };
  }

  #hold({ buffer, start, end }: Line, held: Omit<Held, 'bytes'>): void {
    const first = this.#queue.length === 0;
    this.#queue.push({ ...held, bytes: Buffer.from(buffer.subarray(start, end)) });
    if (first) this.#setAlarm();
  }

  /** Whether a line need not wait: its names are there, or will not come in time. */
  #ready(held: Omit<Held, 'bytes'>, now: number): boolean {
    const { remote, local, netns, at } = held;
    if (remote && !remote.wire && at !== undefined) {
      const seen = this.parts.names?.seen.fields(remote.place.address, netns, at);
      if (seen) Object.assign(remote, { text: seen, wire: true });
    }
    if (now >= held.deadline) return true;
    if (remote && !remote.wire && now < held.settled) return false;
    if (remote && remote.text === '' && remote.lookup && !remote.lookup.done) return false;
    return !local?.lookup || local.lookup.done;
  }

  /** The fields for a line that goes on now. */
  #text({ remote, local, rest }: Omit<Held, 'bytes'>): string {
    const names = this.parts.names as Names;
    for (const { place, lookup } of [remote, local].flatMap((one) => one ?? [])) {
      if (lookup && !lookup.done) names.leave(place, lookup);
    }
    const name = remote ? remote.text || remote.lookup?.text || '' : '';
    if (remote && name === '') {
      const reason = missing(remote.lookup);
      this.unnamed[reason] = (this.unnamed[reason] ?? 0) + 1;
    }
    const [first] = local?.lookup?.names ?? [];
    return name + (local?.text || (first === undefined ? '' : member('saddr_name', first))) + rest;
  }

  /** Sends what need not wait any more, from the front. */
  #release(out: Output): void {
    const now = performance.now();
    for (
      let { first } = this.#queue;
      first && (!out.full || this.#queue.full) && this.#ready(first, now);
      { first } = this.#queue
    ) {
      append(out, first.bytes, 0, first.bytes.length, this.#text(first));
      this.#queue.shift();
    }
  }

  /** The queue is full: waits until the first may go. */
  async #room(out: Output): Promise<void> {
    while (this.#queue.full) {
      await this.#firstReady();
      this.#release(out);
    }
  }

  async #firstReady(): Promise<void> {
    while (this.#queue.first && !this.#ready(this.#queue.first, performance.now())) {
      const resumed = new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
      this.#setAlarm();
      await resumed;
    }
  }

  /** Wakes the stage when the first line has waited long enough. */
  #setAlarm(): void {
    clearTimeout(this.#alarm);
    const { first } = this.#queue;
    if (!first) return;
    const now = performance.now();
    const due = now < first.settled ? Math.min(first.settled, first.deadline) : first.deadline;
    this.#alarm = setTimeout(() => this.#wake(), Math.max(1, Math.ceil(due - now)));
  }

  #wake(): void {
    this.#resume();
    this.#out?.wake();
  }
}

/** When the attempt was made, in ms: an outcome tells when it ended. */
function attemptTime(line: Line): number {
  const ended = Date.parse(line.field('ts') as string);
  const took = line.type === 'outcome' ? line.field('latency_us') : 0;
  return ended - (typeof took === 'number' ? Math.round(took / 1000) : 0);
}
