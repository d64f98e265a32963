import { canonical } from '../../line/canonical.js';
import type { AnyEvent } from '../../line/line.js';
import type { Downstream } from '../downstream.js';
import type { InvalidPolicy } from '../invalid.js';
import { status } from '../ledger.js';
import type { StageConfig } from '../stage-config.js';

/** How it stands with a stage in a pipe, and what is said of that in the stream, which is not among what the stage counts. */
export class StageState {
  /** The stage takes no more, after an error or at its end. */
  closed = false;
  /** It has ended by an error. */
  failed = false;
  /** Invalid lines since the last valid one. */
  gap = 0;
  #policy: InvalidPolicy | undefined;
  #hasDnsEnded = false;

  constructor(
    private readonly config: StageConfig,
    private readonly next: Downstream,
  ) {}

  open(): void {
    this.#policy = this.config.policy();
  }

  fail(error: unknown): void {
    if (this.closed) return;
    this.closed = this.failed = true;
    this.config.failed(error);
  }

  /** A line is no valid event: its number, why, and its bytes. */
  invalid(number: number, reason: string, raw: Buffer): void {
    const { ledger } = this.config;
    ledger.in++;
    ledger.invalid++;
    ledger.lost++;
    this.gap++;
    try {
      this.#policy?.line(number, reason, raw);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Says in the stream, at the place of the invalid lines, that they are missing. */
  emitGap(): void {
    if (this.gap === 0) return;
    this.config.stage.invalid?.(this.gap);
    this.#emitLost('invalid', this.gap);
    this.gap = 0;
  }

  lost(where: string, count: number): void {
    this.config.ledger.lost += count;
    this.#emitLost(where, count);
  }

  /** A dns event has ended here, by the stage's `ends`. */
  dnsEnded(): void {
    if (this.#hasDnsEnded) return;
    this.#hasDnsEnded = true;
    this.config.dnsEnded?.();
  }

  started(): void {
    const { stage, status: hasStatus } = this.config;
    const filters = stage.filters && Object.keys(stage.filters).length > 0 ? { filters: stage.filters } : {};
    if (hasStatus) this.#emit(status(stage.name, 'start', filters));
  }

  ended(): void {
    const { stage, ledger, status: hasStatus } = this.config;
    if (this.#hasDnsEnded) this.config.dnsEnded?.();
    if (hasStatus) this.#emit(status(stage.name, 'end', { ...ledger, ...stage.counts?.() }));
  }

  /** A sink has no stream to say it in. */
  #emitLost(where: string, count: number): void {
    const { stage } = this.config;
    if (!stage.sink) this.#emit({ type: 'lost', v: 1, stage: stage.name, where, count });
  }

  #emit(event: AnyEvent): void {
    this.next.text(canonical(event));
  }
}
