import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { GatheredLines } from './gather.js';
import { HostClock, Timeline } from './timeline.js';

const hostField = new LineField('host');
const maxHosts = 1024;
const maxTimelines = 8;
/** Hosts whose clocks differ by less than this always share a timeline, µs. */
const leastBound = 60e6;

export interface TimelineOptions<T> {
  /** Hosts whose clocks differ by more than this, and by more than a minute, get separate timelines, µs. */
  bound: number;
  /** How far a host may hold back the others of its timeline, at most the bound, µs. */
  hold: number;
  make(): T;
  /** Called when a timeline has ended. The last host to leave it has moved to `to`, where the time is `time`. */
  ended(of: T, to?: T, time?: number): void;
  /** Reports what users should know about their hosts' clocks, each text once. */
  report(text: string): void;
}

/**
 * Decides which event times to trust. Each `host` has its own clock, and events without a host share one. An event that is
 * out of bounds moves its host's clock only after further events confirm it. Hosts whose clocks disagree have separate
 * timelines, so that no clock makes the events of other hosts late.
 */
export class Timelines<T> {
  /** The timeline of the last event. */
  current: Timeline<T>;
  /** All timelines, the most recently used last. */
  readonly all: Timeline<T>[] = [];
  readonly bound: number;
  readonly #shared = new HostClock<T>();
  readonly #clocks = new Map<string, HostClock<T>>();
  #last = this.#shared; // the clock of the last event
  #name = Buffer.alloc(0); // the host of the last event
  #refused = 0; // new hosts while there were too many
  readonly #reported = new Set<string>();

  constructor(private readonly options: TimelineOptions<T>) {
    this.bound = Math.max(leastBound, options.bound);
    this.current = this.#add();
  }

  /** Records an event's time and makes its timeline the current one. Returns whether the time is trusted. */
  observe(line: Line, time: number): boolean {
    const clock = this.#clockOf(line);
    if (this.#accept(clock, time)) {
      if (this.all.length > 1) this.#unite(clock.timeline as Timeline<T>);
      return true;
    }
    const before = clock.newest;
    if (!clock.timeline) clock.newest = time;
    else if (!clock.jump(time, this.bound)) return false;
    this.#move(clock, before);
    return true;
  }

  /**
   * Records the lines from `start` to the first one that does not belong to the current timeline, but not beyond `end`.
   * Nearly all lines belong to it. Their times must be within one pane. Returns the index after the last recorded line.
   */
  observeRun(lines: GatheredLines, start: number, end: number, scanned: ScannedLines): number {
    let at = start;
    while (at < end && this.#observeIfCurrent(scanned.line(at), lines.time(at))) {
      const stop = scanned.same(at + 1, end, hostField, this.#name);
      let newest = Number.NEGATIVE_INFINITY;
      for (at++; at < stop; at++) newest = Math.max(newest, lines.time(at));
      this.current.observe(this.#last, newest);
    }
    return at;
  }

  #observeIfCurrent(line: Line, time: number): boolean {
    const clock = this.#clockOf(line);
    return clock.timeline === this.current && this.#accept(clock, time);
  }

  /** Returns whether a time is within bounds of the current timeline. */
  isNear(time: number): boolean {
    return Math.abs(time - this.current.newest) <= this.bound;
  }

  /** Records a time if it is within bounds. Returns whether it is. */
  #accept(clock: HostClock<T>, time: number): boolean {
    const { timeline } = clock;
    if (!timeline) return false;
    this.#use(timeline);
    const { bound } = this;
    if (Math.abs(time - clock.newest) > bound && Math.abs(time - timeline.newest) > bound) return false;
    clock.settle();
    timeline.observe(clock, time);
    return true;
  }

  /** Moves a clock that is new or has jumped to the timeline that it agrees with, or to a new one. */
  #move(clock: HostClock<T>, before: number): void {
    const from = clock.timeline;
    const { newest } = clock;
    const near = this.all.find((one) => one !== from && Math.abs(one.newest - newest) <= this.bound);
    const alone = from && ![...from.hosts].some((one) => one !== clock && from.holdsBack(one));
    if (from && alone && !near && newest > before) {
      from.observe(clock, newest);
      return;
    }
    const unused = this.all.find(({ hosts }) => hosts.size === 0);
    const to = near ?? unused ?? this.#add();
    if (from) {
      from.leave(clock);
      if (from.hosts.size === 0) this.#end(from, to, newest);
      const seconds = Math.round(Math.abs(newest - before) / 1e6);
      this.#report(
        newest < before ? `event time went back by ${seconds} s` : `event time jumped ahead by ${seconds} s`,
      );
    } else if (!near && !unused)
      this.#report(`the clocks of hosts differ by more than ${Math.round(this.bound / 1e6)} s`);
    to.join(clock);
    this.#use(to);
  }

  /** Merges a timeline into one that it agrees with by now. The timeline that lags behind ends. */
  #unite(behind: Timeline<T>): void {
    const { newest } = behind;
    const into = this.all.find((one) => one !== behind && one.passed <= newest && newest <= one.newest);
    if (!into) return;
    this.#end(behind, into, newest);
    for (const host of behind.hosts) into.join(host);
    this.#use(into);
  }

  #add(): Timeline<T> {
    if (this.all.length === maxTimelines) this.#end(this.all[0] as Timeline<T>);
    const timeline = new Timeline(this.options.make(), Math.min(this.options.hold, this.bound));
    this.all.push(timeline);
    return timeline;
  }

  #end(timeline: Timeline<T>, to?: Timeline<T>, time?: number): void {
    const at = this.all.indexOf(timeline);
    if (at < 0) return;
    this.all.splice(at, 1);
    for (const host of timeline.hosts) host.timeline = undefined;
    this.options.ended(timeline.of, to?.of, time);
  }

  #use(timeline: Timeline<T>): void {
    if (timeline === this.current) return;
    this.current = timeline;
    this.all.push(...this.all.splice(this.all.indexOf(timeline), 1));
  }

  #clockOf(line: Line): HostClock<T> {
    const has = line.locate(hostField);
    const { raw, from, to } = line;
    const length = has ? to - from : 0;
    if (length === this.#name.length) {
      let same = 0;
      while (same < length && raw[from + same] === this.#name[same]) same++;
      if (same === length) return this.#last;
    }
    this.#name = Buffer.from(raw.subarray(from, from + length));
    this.#last = has ? this.#named(this.#name.toString('latin1')) : this.#shared;
    return this.#last;
  }

  #named(name: string): HostClock<T> {
    const known = this.#clocks.get(name);
    if (known) return known;
    if (this.#clocks.size >= maxHosts) this.#forget();
    if (this.#clocks.size >= maxHosts) {
      this.#report(`more than ${maxHosts} hosts; the others share one clock`);
      return this.#shared;
    }
    const clock = new HostClock<T>();
    this.#clocks.set(name, clock);
    return clock;
  }

  /** Forgets silent hosts. It does not do so for every new host, because an attacker may choose the host names. */
  #forget(): void {
    if (++this.#refused % maxHosts !== 1) return;
    for (const [name, clock] of this.#clocks) {
      const { timeline } = clock;
      if (timeline && (timeline.hosts.size === 1 || timeline.holdsBack(clock))) continue;
      timeline?.hosts.delete(clock);
      this.#clocks.delete(name);
    }
  }

  #report(text: string): void {
    if (!this.#reported.has(text.replace(/\d+ s$/, ''))) this.options.report(text);
    this.#reported.add(text.replace(/\d+ s$/, ''));
  }
}
