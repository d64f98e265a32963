import type { Line } from '../../schemas/pipe/line.js';
import type { Metric } from '../../schemas/pipe/metrics/text.js';
import type { Scanned } from '../../schemas/pipe/scan/scanned.js';
import type { Output, Stage } from '../../schemas/pipe/stage.js';
import { append } from './append.js';
import { Known } from './known.js';
import { missing, type Names, type Place } from './names.js';
import type { People } from './people.js';
import { Queue } from './queue.js';
import type { Lookup, Missing } from './reverse.js';
import { type Answer, type Told, toldText } from './seen.js';
import { member } from './text.js';
import { EventTime } from './time.js';
import type { Zoned } from './zoned.js';

/** The clock is looked at again after so many lines. */
const linesPerLook = 64;

/** The name of an event's remote address: what is known now, or what the look-up will give. */
interface Remote {
  place: Place;
  told: Told | undefined;
  lookup: Lookup | undefined;
  netns: unknown;
  /** When the attempt was made, in microseconds. */
  at: number;
}

/** The name of an event's local address. */
interface Local {
  place: Place;
  lookup: Lookup | undefined;
}

/** What a line goes on with. One that is no attempt has nothing to wait for but those before it. */
interface Addition {
  remote?: Remote | undefined;
  local?: Local | undefined;
  /** The fields behind the names. */
  rest: string;
  /** Until when it may wait, in the time of performance.now(): no look-up is waited for longer than the first event does. */
  deadline: number;
}

interface Held extends Addition {
  bytes: Buffer;
}

export interface Parts {
  /** Left out where no names are wanted. */
  names?: Names;
  people: People;
  /** Fields by remote address, from maps. */
  zones?: Zoned;
  /** Looks at the files, if it is time. Returns whether one has changed, or a server answers again. */
  check(now: number): boolean;
  wait: number;
  keepDns: boolean;
  saddr: boolean;
  /** How many addresses are remembered. */
  cache: number;
  /** Hands over what is to be called when a look-up has ended. */
  open(answered: (lookup: Lookup) => void): void;
  close(): void;
}

export type Reason = Missing | 'offline';

/**
 * Adds fields to connect and outcome events. Those that wait for a name are kept in their order, with all lines behind
 * them; when many are kept, the input waits too, for as long as the first of them may.
 */
export class Enrich implements Stage {
  readonly name = 'enrich';
  /** How many events went on without a name, by reason. */
  readonly #unnamed = new Map<Reason, number>();
  readonly #queue = new Queue<Held>();
  readonly #time = new EventTime();
  readonly #known: Known;
  #now = 0;
  #untilLook = 0;
  #alarm: NodeJS.Timeout | undefined;
  #out: Output | undefined;
  #resume = () => {};

  constructor(
    private readonly parts: Parts,
    readonly filters: Record<string, unknown>,
  ) {
    this.#known = new Known(parts, this.#time, (reason, lines) => this.#count(reason, lines));
  }

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
      names.tell(line.event as unknown as Answer);
      if (keepDns) this.#put(line, out);
      else out.drop();
    }
    if (this.#queue.full) return this.#room(out);
  }

  lines(scanned: Scanned, out: Output): number {
    if (this.#queue.first) return 0;
    this.#look();
    return this.#known.many(scanned, out, this.#now);
  }

  flush(out: Output, last = false): void {
    this.#untilLook = 0;
    if (this.#release(out, last)) out.wake();
    else this.#setAlarm();
  }

  async finish(out: Output): Promise<boolean> {
    for (; this.#queue.first && !out.full; this.#release(out)) await this.#firstReady();
    return this.#queue.first !== undefined;
  }

  counts() {
    return this.#unnamed.size > 0 ? { unnamed: Object.fromEntries(this.#unnamed) } : {};
  }

  held(): number {
    return this.#queue.length;
  }

  metrics(): Metric[] {
    const samples = [...this.#unnamed].map(([reason, value]) => ({ labels: { reason }, value }));
    const help = 'Events that went on without a name, by reason.';
    return [{ name: 'synpipe_enrich_unnamed_events_total', type: 'counter', help, samples }];
  }

  reopen(): void {
    this.parts.zones?.reopen();
    this.#known.clear();
  }

  end(): void {
    clearTimeout(this.#alarm);
    this.parts.close();
  }

  #put(line: Line, out: Output): void {
    if (this.#queue.first) this.#hold(line, { rest: '', deadline: 0 });
    else out.pass(line);
  }

  #attempt(line: Line, out: Output): void {
    if (this.#untilLook-- <= 0) this.#look();
    const now = this.#now;
    const free = this.#queue.first === undefined;
    if (free && this.#known.put(line, out, now)) return;
    const { names, people, zones, wait, saddr } = this.parts;
    const zone = zones?.text(line);
    const rest = people.text(line) + (zone?.text ?? '');
    const remote = names && line.field('name') === undefined ? this.#remote(names, line, now) : undefined;
    const local = names && saddr ? this.#local(names, line, now) : undefined;
    const since = Math.max(begun(remote?.lookup, now), begun(local?.lookup, now));
    const addition = { remote, local, rest, deadline: since + wait };
    if (!free || !this.#ready(addition, now)) {
      this.#hold(line, addition);
      return;
    }
    const text = this.#text(addition);
    append(out, line.buffer, line.start, line.end, text);
    if (open(remote) || open(local)) return; // it went on too early, this time
    const told = remote?.told;
    const [before, after] = told
      ? [told.before, told.after + text.slice(toldText(told, remote.at).length)]
      : [text, ''];
    const until = Math.min(
      remote?.lookup?.until ?? Number.POSITIVE_INFINITY,
      local?.lookup?.until ?? Number.POSITIVE_INFINITY,
    );
    const reason = remote && !named(remote) ? missing(remote.lookup) : undefined;
    this.#known.remember(
      line,
      { before, after, told, place: remote?.place, reason, zones: zone?.fields ?? [], until },
      now,
    );
  }

  #look(): void {
    this.#untilLook = linesPerLook;
    this.#now = performance.now();
    if (this.parts.check(this.#now)) this.#known.clear();
  }

  #remote(names: Names, line: Line, now: number): Remote {
    const place = names.place(line.field('daddr') as string);
    const netns = line.field('netns');
    const at = this.#time.of(line);
    const told = names.seen.find(place.address, netns, at);
    return { place, told, lookup: told || place.hostsText ? undefined : names.lookup(place, now), netns, at };
  }

  #local(names: Names, line: Line, now: number): Local | undefined {
    const saddr = line.field('saddr');
    if (saddr === undefined || line.field('saddr_name') !== undefined) return undefined;
    const place = names.place(saddr as string);
    return { place, lookup: place.hosts.length > 0 ? undefined : names.lookup(place, now) };
  }

  #hold({ buffer, start, end }: Line, addition: Addition): void {
    const first = this.#queue.length === 0;
    this.#queue.push({ ...addition, bytes: Buffer.from(buffer.subarray(start, end)) });
    if (first) this.#setAlarm();
  }

  /** Whether a line need not wait: its names are there, or will not come in time. */
  #ready({ remote, local, deadline }: Addition, now: number): boolean {
    if (remote && open(remote)) {
      // Meanwhile the answer on the wire may have come.
      remote.told ??= this.parts.names?.seen.find(remote.place.address, remote.netns, remote.at);
    }
    return now >= deadline || !(open(remote) || open(local));
  }

  /** The fields for a line that goes on now. */
  #text({ remote, local, rest }: Addition): string {
    for (const one of [remote, local]) {
      if (one && open(one)) this.parts.names?.leave(one.place, one.lookup as Lookup);
    }
    if (remote && !named(remote)) this.#count(missing(remote.lookup));
    const [first] = local ? [...local.place.hosts, ...(local.lookup?.names ?? [])] : [];
    return (remote ? nameText(remote) : '') + (first === undefined ? '' : member('saddr_name', first)) + rest;
  }

  #count(reason: Reason, lines = 1): void {
    this.#unnamed.set(reason, (this.#unnamed.get(reason) ?? 0) + lines);
  }

  /**
   * Sends what need not wait any more, or all of it, from the front, as much as goes out at once. Returns whether there is
   * more.
   */
  #release(out: Output, all = false): boolean {
    const now = performance.now();
    for (let { first } = this.#queue; first && (this.#ready(first, now) || all); { first } = this.#queue) {
      if (out.full && !this.#queue.full && !all) return true;
      append(out, first.bytes, 0, first.bytes.length, this.#text(first));
      this.#queue.shift();
    }
    return false;
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
    this.#alarm = setTimeout(() => this.#wake(), Math.max(1, Math.ceil(first.deadline - performance.now())));
  }

  #wake(): void {
    this.#resume();
    this.#out?.wake();
  }
}

/** Since when a look-up is waited for: since its server was asked, or from now on. */
function begun(lookup: Lookup | undefined, now: number): number {
  return lookup && !lookup.done ? Math.min(lookup.since, now) : 0;
}

/** Whether a name may still come. */
function open(one: Remote | Local | undefined): boolean {
  if (!one?.lookup || ('told' in one && one.told)) return false;
  return !one.lookup.done;
}

function nameText({ told, place, lookup, at }: Remote): string {
  if (told) return toldText(told, at);
  return place.hostsText || (lookup?.text ?? '');
}

const named = (remote: Remote) => nameText(remote) !== '';
