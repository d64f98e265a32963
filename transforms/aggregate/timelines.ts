import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import type { GatheredLines } from '../../schemas/pipe/scan/gather.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import { HostClock } from './clock.js';
import { Timeline } from './timeline.js';

const hostField = new LineField('host');
const mostHosts = 1024;
const mostTimelines = 8;
/** Clocks that differ by less are of one timeline in any case, µs. */
const leastBound = 60e6;

export interface TimelineOptions<T> {
  /** Clocks that differ by more than this, and than a minute, have timelines of their own, µs. */
  bound: number;
  /** How far a host may hold the others of its timeline back, at most the bound, µs. */
  hold: number;
  make(): T;
  /** A timeline has ended. The last host to leave it has gone to `to`, where the time is `time`. */
  ended(of: T, to?: T, time?: number): void;
  /** Reports, once each, what users should know of their hosts' clocks. */
  report(text: string): void;
}

/**
 * Whom to believe what time it is. Each `host` has a clock of its own; events without a host share one. An event that is
 * out of bounds moves its host's clock only once further events confirm it. Hosts whose clocks disagree have timelines of
 * their own, so that nobody's clock makes the others' events late.
 */
export class Timelines<T> {
  /** The one of the last event. */
  current: Timeline<T>;
  /** The one that was used last is the last. */
  readonly all: Timeline<T>[] = [];
  readonly bound: number;
  readonly #shared = new HostClock<T>();
  readonly #clocks = new Map<string, HostClock<T>>();
  #last = this.#shared; // the clock of the last event
  #name = Buffer.alloc(0); // and its host
  #refused = 0; // hosts that came while there were too many
  readonly #reported = new Set<string>();

  constructor(private readonly options: TimelineOptions<T>) {
    this.bound = Math.max(leastBound, options.bound);
    this.current = this.#add();
  }

  /** Notes an event, and makes its timeline the current one. Returns whether its time is trusted. */
  see(line: Line, time: number): boolean {
    const clock = this.#clockOf(line);
    if (this.#take(clock, time)) {
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
   * Notes lines from `start` to `end` that go on with the current timeline, as nearly all do. Their times are within a pane.
   * Returns where the first is that does not.
   */
  goOn(lines: GatheredLines, start: number, end: number, scanned: ScannedLines): number {
    let at = start;
    while (at < end && this.#goesOn(scanned.line(at), lines.time(at))) {
      const stop = scanned.same(at + 1, end, hostField, this.#name);
      let newest = Number.NEGATIVE_INFINITY;
      for (at++; at < stop; at++) newest = Math.max(newest, lines.time(at));
      this.current.saw(this.#last, newest);
    }
    return at;
  }

  #goesOn(line: Line, time: number): boolean {
    const clock = this.#clockOf(line);
    return clock.timeline === this.current && this.#take(clock, time);
  }

  /** Whether a time is within bounds of the current timeline. */
  isNear(time: number): boolean {
    return Math.abs(time - this.current.newest) <= this.bound;
  }

  /** Notes a time that is within bounds. */
  #take(clock: HostClock<T>, time: number): boolean {
    const { timeline } = clock;
    if (!timeline) return false;
    this.#use(timeline);
    const { bound } = this;
    if (Math.abs(time - clock.newest) > bound && Math.abs(time - timeline.newest) > bound) return false;
    clock.settle();
    timeline.saw(clock, time);
    return true;
  }

  /** A clock is new or has jumped: puts it into the timeline that it agrees with. */
  #move(clock: HostClock<T>, before: number): void {
    const from = clock.timeline;
    const { newest } = clock;
    const near = this.all.find((one) => one !== from && Math.abs(one.newest - newest) <= this.bound);
    const alone = from && ![...from.hosts].some((one) => one !== clock && from.holds(one));
    if (from && alone && !near && newest > before) {
      from.saw(clock, newest);
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

  /** Two timelines that have come to agree become one: the one behind ends. */
  #unite(behind: Timeline<T>): void {
    const { newest } = behind;
    const into = this.all.find((one) => one !== behind && one.passed <= newest && newest <= one.newest);
    if (!into) return;
    this.#end(behind, into, newest);
    for (const host of behind.hosts) into.join(host);
    this.#use(into);
  }

  #add(): Timeline<T> {
    if (this.all.length === mostTimelines) this.#end(this.all[0] as Timeline<T>);
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
    if (this.#clocks.size >= mostHosts) this.#forget();
    if (this.#clocks.size >= mostHosts) {
      this.#report(`more than ${mostHosts} hosts; the others share one clock`);
      return this.#shared;
    }
    const clock = new HostClock<T>();
    this.#clocks.set(name, clock);
    return clock;
  }
  /** Forgets silent hosts. Not each time that a new one comes, since an attacker may choose their names. */
  #forget(): void {
    if (++this.#refused % mostHosts !== 1) return;
    for (const [name, clock] of this.#clocks) {
      const { timeline } = clock;
      if (timeline && (timeline.hosts.size === 1 || timeline.holds(clock))) continue;
      timeline?.hosts.delete(clock);
      this.#clocks.delete(name);
    }
  }

  #report(text: string): void {
    if (!this.#reported.has(text.replace(/\d+ s$/, ''))) this.options.report(text);
    this.#reported.add(text.replace(/\d+ s$/, ''));
  }
}
