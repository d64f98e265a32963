import type { Connect, Dns, Lost, Outcome, Pending, Summary } from '../../generated/events.js';
import type { AnyEvent } from '../line/line.js';
import { AgingMap } from '../stage/aging-map.js';
import { Causes, causeOf, causesIn } from './causes.js';
import { count, counted, duration } from './human.js';

/** How many attempts without an outcome to remember. Beyond that, the sentence says "about". */
const mostOpen = 50_000;

interface Open {
  pending: boolean;
  failed: boolean;
}

/**
 * Sums up a run: `812 attempts in 4 m 10 s, 40 failed (31 refused by 10.0.0.7:5432, 9 other), 2 still pending`. It takes the
 * events of attempts, or summaries of them. Its memory is bounded.
 */
export class RunSummary {
  #attempts = 0;
  #failed = 0;
  #pending = 0;
  #lookups = 0;
  #failedLookups = 0;
  readonly #lost = { events: 0, summaries: 0 };
  #first = Number.POSITIVE_INFINITY; // when the first attempt began (ms)
  #firstEnd = Number.POSITIVE_INFINITY; // when the first one ended or was reported (ms)
  #last = 0;
  #hasOutcomes = false;
  #hasForgotten = false;
  #window = { ts: '', end: '', pending: 0 }; // the newest one that was counted
  /** Attempts without an outcome so far. */
  readonly #open = new AgingMap<string, Open>();
  readonly #causes = new Causes();

  /** `began` is when the run began (ms). */
  constructor(private readonly began = Date.now()) {}

  add(event: AnyEvent): void {
    if (event.type === 'outcome') this.#outcome(event as Outcome);
    else if (event.type === 'connect') this.#start(event as Connect);
    else if (event.type === 'pending') this.#start(event as Pending);
    else if (event.type === 'dns') this.#lookup(event as Dns);
    else if (event.type === 'summary') this.#summary(event as Summary);
    else if (event.type === 'lost' && (event as Lost).where !== 'update') this.#lost.events += (event as Lost).count;
  }

  /** Returns the sentence, or undefined if there was nothing to sum up. `end` is when the run ended (ms). */
  text(end = Date.now()): string | undefined {
    const took = this.#took(end);
    const about = this.#hasForgotten && this.#hasOutcomes ? 'about ' : '';
    // In a stream of connect events alone, attempts without an outcome are not known to be waiting.
    const pending = (this.#hasOutcomes ? this.#open.size : this.#pending) + this.#window.pending;
    const attempts = this.#attempts + this.#window.pending;
    const parts = [];
    if (attempts > 0) {
      parts.push(`${about}${counted(attempts, 'attempt')}${took}`);
      if (this.#failed > 0) parts.push(`${count(this.#failed)} failed${this.#causes.text(this.#failed)}`);
      else if (this.#hasOutcomes) parts.push('none failed');
      if (pending > 0) parts.push(`${count(pending)} still pending`);
    }
    if (this.#lookups > 0) {
      parts.push(`${counted(this.#lookups, 'look-up')}${attempts > 0 ? '' : took}`);
      if (this.#failedLookups > 0) parts.push(`${count(this.#failedLookups)} of them failed`);
    }
    // `lost` events repeat what summaries report
    const lost = Math.max(this.#lost.events, this.#lost.summaries);
    if (lost > 0) parts.push(`${count(lost)} lost`);
    return parts.length > 0 ? parts.join(', ') : undefined;
  }

  #start(event: Connect | Pending): void {
    this.#span(event.type === 'pending' ? event.start : event.ts, event.ts);
    const id = identity(event);
    const known = this.#open.get(id);
    const open = known ?? { pending: false, failed: false };
    if (!known) {
      this.#attempts++;
      this.#open.set(id, open);
      if (this.#open.size > mostOpen) this.#forgetOldest();
    }
    if (event.type === 'pending' && !open.pending) {
      open.pending = true;
      this.#pending++;
    }
    if (event.type === 'connect' && event.error !== undefined && !open.failed) {
      open.failed = true;
      this.#fail(event);
    }
  }

  #outcome(event: Outcome): void {
    this.#hasOutcomes = true;
    this.#span(event.start ?? event.ts, event.ts);
    const id = identity(event);
    const open = this.#open.get(id);
    if (open) this.#open.delete(id);
    else this.#attempts++;
    if (open?.pending) this.#pending--;
    if (event.result !== 'established' && !open?.failed) this.#fail(event);
  }

  #fail(event: Connect | Outcome): void {
    this.#failed++;
    this.#causes.add(causeOf(event), 1);
  }

  #lookup(event: Dns): void {
    this.#span(event.ts, event.ts);
    this.#lookups++;
    if (event.error !== undefined) this.#failedLookups++;
  }

  #summary(event: Summary): void {
    // Of windows that overlap (aggregate --step), some meet without a gap. Those are counted.
    if (event.ts > this.#window.ts) {
      if (event.ts < this.#window.end) return;
      this.#window = { ts: event.ts, end: event.end, pending: 0 };
    }
    this.#span(event.ts, event.end);
    this.#lost.summaries += (event.lost ?? 0) + (event.invalid ?? 0);
    const { failed = event.errors ?? 0 } = event;
    if (event.events === 'dns') {
      this.#lookups += event.count;
      this.#failedLookups += failed;
      return;
    }
    if (event.failed !== undefined) this.#hasOutcomes = true;
    if (event.ts === this.#window.ts) this.#window.pending += event.pending ?? 0;
    this.#attempts += event.count;
    this.#failed += failed;
    for (const [cause, number] of causesIn(event)) this.#causes.add(cause, number);
  }

  #span(start: string, end: string): void {
    this.#first = Math.min(this.#first, Date.parse(start));
    this.#firstEnd = Math.min(this.#firstEnd, Date.parse(end));
    this.#last = Math.max(this.#last, Date.parse(end));
  }

  /** Returns how long it took: the run, if its events are of that time; otherwise, what the events span. */
  #took(end: number): string {
    const isLive = this.#last >= this.began;
    const ms = isLive ? end - Math.min(this.began, this.#firstEnd) : this.#last - this.#first;
    return ms > 0 ? ` in ${duration(ms * 1_000)}` : '';
  }

  #forgetOldest(): void {
    this.#hasForgotten = true;
    const oldest = this.#open.oldest as string;
    if (this.#open.get(oldest)?.pending) this.#pending--;
    this.#open.delete(oldest);
  }
}

const identity = ({ id, host = '' }: Connect | Pending | Outcome) => `${id} ${host}`;
