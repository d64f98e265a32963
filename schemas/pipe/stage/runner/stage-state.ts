import { canonical } from '../../line/canonical.js';
import type { AnyEvent } from '../../line/line.js';
import type { Downstream } from '../downstream.js';
import type { InvalidPolicy } from '../invalid.js';
import { status } from '../ledger.js';
import type { StageConfig } from '../stage-config.js';

/** The state of a running stage, and the events about it in the stream. The ledger does not count these events. */
export class StageState {
  /** Whether the stage takes no more input, after an error or at its end. */
  closed = false;
  /** Whether the stage has failed. */
  failed = false;
  /** The number of invalid lines since the last valid one. */
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

  /** Counts and reports an invalid line: its number, the reason, and its bytes. */
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

  /** Writes a `lost` event in the place of the invalid lines. */
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

  /** Notes that the stage's `ends` has dropped a dns event. */
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

  /** Writes a `lost` event, unless the stage is a sink: that has no event stream. */
  #emitLost(where: string, count: number): void {
    const { stage } = this.config;
    if (!stage.sink) this.#emit({ type: 'lost', v: 1, stage: stage.name, where, count });
  }

  #emit(event: AnyEvent): void {
    this.next.text(canonical(event));
  }
}
