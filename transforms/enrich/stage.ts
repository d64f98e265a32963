import { attemptTypes } from '../../schemas/attempts.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import type { Metric } from '../../schemas/pipe/metrics/text.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { Output, Stage } from '../../schemas/pipe/stage/stage.js';
import { lasting } from './addition.js';
import { append } from './append.js';
import { Known, type Sources } from './known.js';
import type { Reason } from './names.js';
import { Naming, type Wanted } from './naming.js';
import type { Lookup } from './reverse.js';
import type { DnsEvent } from './seen.js';
import { EventTime } from './time.js';
import { Waiting } from './waiting.js';

/** The clock is looked at again after so many lines. */
const linesPerLook = 64;

export interface Parts extends Wanted, Sources {
  /** Looks at the files, if it is time. Returns whether one has changed, or a server answers again. */
  check(now: number): boolean;
  keepDns: boolean;
  /** Hands over what is to be called when a look-up has ended. */
  open(answered: (lookup: Lookup) => void): void;
  /** SIGHUP: files are looked at anew at once. */
  reopen(): void;
  close(): void;
}

/**
 * Adds fields to the events of attempts. Those that wait for a name are kept in their order, and so are all lines after
 * them. When many are kept, the input waits too, for as long as the first of them may.
 */
export class Enrich implements Stage {
  readonly name = 'enrich';
  /** How many events went on without a name, by reason. */
  readonly #unnamed = new Map<Reason, number>();
  readonly #known: Known;
  readonly #naming: Naming;
  readonly #waiting: Waiting;
  #now = 0;
  #untilLook = 0;
  #out: Output | undefined;

  constructor(
    private readonly parts: Parts,
    readonly filters: Record<string, unknown>,
  ) {
    const time = new EventTime();
    const count = (reason: Reason, lines = 1) => {
      this.#unnamed.set(reason, (this.#unnamed.get(reason) ?? 0) + lines);
    };
    this.#known = new Known(parts, time, count);
    this.#naming = new Naming(parts, time, count);
    this.#waiting = new Waiting(this.#naming, () => this.#out?.wake());
  }

  open(out: Output): void {
    this.#out = out;
    this.parts.open((lookup) => this.#waiting.answered(lookup));
  }

  line(line: Line, out: Output): void | Promise<void> {
    const { names, keepDns } = this.parts;
    if (attemptTypes.includes(line.type)) this.#attempt(line, out);
    else if (line.type !== 'dns' || !names) this.#put(line, out);
    else {
      names.tell(line.event as unknown as DnsEvent);
      if (keepDns) this.#put(line, out);
      else out.drop();
    }
    if (this.#waiting.full) return this.#waiting.room(out);
  }

  lines(scanned: ScannedLines, out: Output): number {
    if (this.#waiting.length > 0) return 0;
    this.#look();
    return this.#known.many(scanned, out, this.#now);
  }

  flush(out: Output, last = false): void {
    this.#untilLook = 0;
    if (this.#waiting.release(out, last)) out.wake();
    else this.#waiting.setAlarm();
  }

  finish(out: Output): Promise<boolean> {
    return this.#waiting.rest(out);
  }

  counts() {
    return this.#unnamed.size > 0 ? { unnamed: Object.fromEntries(this.#unnamed) } : {};
  }

  mark(): () => boolean {
    return this.#waiting.mark();
  }

  held(): number {
    return this.#waiting.length;
  }

  metrics(): Metric[] {
    const samples = [...this.#unnamed].map(([reason, value]) => ({ labels: { reason }, value }));
    const help = 'Events that went on without a name, by reason.';
    return [{ name: 'synpipe_enrich_unnamed_events_total', type: 'counter', help, samples }];
  }

  reopen(): void {
    this.parts.reopen();
    this.parts.zones?.reopen();
    this.#known.clear();
  }

  asked(): void {
    this.#waiting.hurry();
  }

  end(): void {
    this.#waiting.stop();
    this.parts.close();
  }

  #put(line: Line, out: Output): void {
    if (this.#waiting.length > 0) this.#waiting.hold(line, { rest: '', deadline: 0 });
    else out.pass(line);
  }

  #attempt(line: Line, out: Output): void {
    if (this.#untilLook-- <= 0) this.#look();
    const now = this.#now;
    const free = this.#waiting.length === 0;
    if (free && this.#known.put(line, out, now)) return;
    const { people, zones } = this.parts;
    const zone = zones?.text(line);
    const addition = this.#naming.addition(line, people.text(line) + (zone?.text ?? ''), now);
    if (!free || !this.#naming.ready(addition, now)) {
      this.#waiting.hold(line, addition);
      return;
    }
    const text = this.#naming.text(addition);
    append(out, line.buffer, line.start, line.end, text);
    const made = lasting(addition, text);
    if (made) this.#known.remember(line, { ...made, zones: zone?.fields ?? [] }, now);
  }

  #look(): void {
    this.#untilLook = linesPerLook;
    this.#now = performance.now();
    if (this.parts.check(this.#now)) this.#known.clear();
  }
}
