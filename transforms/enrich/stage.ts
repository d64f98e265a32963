import { attemptTypes } from '../../schemas/attempts.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import type { Metric } from '../../schemas/pipe/metrics/text.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { Batch, Control, Observe, Output, Stage, Traits } from '../../schemas/pipe/stage/stage.js';
import { cacheable } from './addition.js';
import { AdditionCache } from './addition-cache.js';
import { Appender } from './append.js';
import { EnrichCache, type FieldSources } from './cache.js';
import type { Reason } from './names.js';
import { Naming, type NamingOptions } from './naming.js';
import type { Lookup } from './reverse.js';
import { EventTime } from './time.js';
import { WaitingLines } from './waiting.js';
import type { DnsEvent } from './wire-answers.js';

/** The clock is read and the files are checked once per this many lines. */
const linesPerCheck = 64;

export interface Services extends NamingOptions, FieldSources {
  /** Checks the files, if it is time. Returns whether one has changed or a server answers again. */
  check(now: number): boolean;
  keepDns: boolean;
  /** Starts; `answered` is called when a look-up is done. */
  open(answered: (lookup: Lookup) => void): void;
  /** Has all files checked at once, on SIGHUP. */
  reopen(): void;
  close(): void;
}

/**
 * Adds fields to attempts. Attempts that wait for a name are held in order, with all lines after them. When the queue is
 * full, the stage stops reading its input until the first attempt is ready.
 */
export class Enrich implements Stage {
  readonly name = 'enrich';
  readonly traits: Traits;
  readonly batch: Batch = { lines: (lines, out) => this.#lines(lines, out), kernelBytes: AdditionCache.bytes };
  readonly observe: Observe = {
    counts: () => (this.#unnamed.size > 0 ? { unnamed: Object.fromEntries(this.#unnamed) } : {}),
    metrics: () => this.#metrics(),
    held: () => this.#waiting.length,
    mark: () => this.#waiting.mark(),
  };
  readonly control: Control = { asked: () => this.#waiting.hurry(), reopen: () => this.#reopen() };
  /** How many events got no name, by reason. */
  readonly #unnamed = new Map<Reason, number>();
  readonly #cache: EnrichCache;
  readonly #naming: Naming;
  readonly #waiting: WaitingLines;
  readonly #appender = new Appender();
  #now = 0;
  #linesUntilCheck = 0;
  #out: Output | undefined;

  constructor(
    private readonly services: Services,
    options: Record<string, unknown>,
  ) {
    this.traits = { options };
    const time = new EventTime();
    const count = (reason: Reason, lines = 1) => {
      this.#unnamed.set(reason, (this.#unnamed.get(reason) ?? 0) + lines);
    };
    this.#cache = new EnrichCache(services, time, count);
    this.#naming = new Naming(services, time, count);
    this.#waiting = new WaitingLines(this.#naming, () => this.#out?.wake());
  }

  open(out: Output): void {
    this.#out = out;
    this.services.open((lookup) => this.#waiting.answered(lookup));
  }

  line(line: Line, out: Output): void | Promise<void> {
    const { names, keepDns } = this.services;
    if (attemptTypes.includes(line.type)) this.#attempt(line, out);
    else if (line.type !== 'dns' || !names) this.#put(line, out);
    else {
      names.addAnswer(line.event as unknown as DnsEvent);
      if (keepDns) this.#put(line, out);
      else out.drop();
    }
    if (this.#waiting.full) return this.#waiting.room(out);
  }

  #lines(scanned: ScannedLines, out: Output): number {
    if (this.#waiting.length > 0) return 0;
    this.#check();
    return this.#cache.many(scanned, out, this.#now);
  }

  flush(out: Output, last = false): void {
    this.#linesUntilCheck = 0;
    if (this.#waiting.release(out, last)) out.wake();
    else this.#waiting.setAlarm();
  }

  finish(out: Output): Promise<boolean> {
    return this.#waiting.rest(out);
  }

  #metrics(): Metric[] {
    const samples = [...this.#unnamed].map(([reason, value]) => ({ labels: { reason }, value }));
    const help = 'Events that got no name, by reason.';
    return [{ name: 'synpipe_enrich_unnamed_events_total', type: 'counter', help, samples }];
  }

  #reopen(): void {
    this.services.reopen();
    this.services.mapFields?.reopen();
    this.#cache.clear();
  }

  close(): void {
    this.#waiting.stop();
    this.services.close();
  }

  #put(line: Line, out: Output): void {
    if (this.#waiting.length > 0) this.#waiting.hold(line, { rest: '', deadline: 0 });
    else out.pass(line);
  }

  #attempt(line: Line, out: Output): void {
    if (this.#linesUntilCheck-- <= 0) this.#check();
    const now = this.#now;
    const free = this.#waiting.length === 0;
    if (free && this.#cache.put(line, out, now)) return;
    const { localFields, mapFields } = this.services;
    const ofMaps = mapFields?.text(line);
    const addition = this.#naming.addition(line, localFields.text(line) + (ofMaps?.text ?? ''), now);
    if (!free || !this.#naming.ready(addition, now)) {
      this.#waiting.hold(line, addition);
      return;
    }
    const text = this.#naming.text(addition);
    this.#appender.append(out, line.buffer, line.start, line.end, Buffer.from(text));
    const cached = cacheable(addition, text);
    if (cached) this.#cache.remember(line, { ...cached, mapFields: ofMaps?.fields ?? [] }, now);
  }

  #check(): void {
    this.#linesUntilCheck = linesPerCheck;
    this.#now = performance.now();
    if (this.services.check(this.#now)) this.#cache.clear();
  }
}
