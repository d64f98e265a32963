import { canonical } from '../../line/canonical.js';
import type { AnyEvent } from '../../line/line.js';
import type { InvalidPolicy } from '../invalid.js';
import { status } from '../ledger.js';
import type { Part, Target } from '../target.js';

/** How it stands with a stage in a pipe, and what is said of that in the stream, which is not among what the stage counts. */
export class Account {
  /** The stage takes no more, after an error or at its end. */
  closed = false;
  /** It has ended by an error. */
  failed = false;
  /** Invalid lines since the last valid one. */
  gap = 0;
  #policy: InvalidPolicy | undefined;
  #namesEnded = false;

  constructor(
    private readonly part: Part,
    private readonly next: Target,
  ) {}

  open(): void {
    this.#policy = this.part.policy();
  }

  fail(error: unknown): void {
    if (this.closed) return;
    this.closed = this.failed = true;
    this.part.failed(error);
  }

  /** A line is no valid event: its number, why, and its bytes. */
  invalid(number: number, reason: string, raw: Buffer): void {
    const { ledger } = this.part;
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
  tellGap(): void {
    if (this.gap === 0) return;
    this.part.stage.invalid?.(this.gap);
    this.#tellLost('invalid', this.gap);
    this.gap = 0;
  }

  lost(where: string, count: number): void {
    this.part.ledger.lost += count;
    this.#tellLost(where, count);
  }

  /** A dns event has ended here, by the stage's `ends`. */
  hasEndedNames(): void {
    if (this.#namesEnded) return;
    this.#namesEnded = true;
    this.part.namesEnded?.();
  }

  started(): void {
    const { stage, status: told } = this.part;
    const filters = stage.filters && Object.keys(stage.filters).length > 0 ? { filters: stage.filters } : {};
    if (told) this.#say(status(stage.name, 'start', filters));
  }

  ended(): void {
    const { stage, ledger, status: told } = this.part;
    if (this.#namesEnded) this.part.namesEnded?.();
    if (told) this.#say(status(stage.name, 'end', { ...ledger, ...stage.counts?.() }));
  }

  /** A sink has no stream to say it in. */
  #tellLost(where: string, count: number): void {
    const { stage } = this.part;
    if (!stage.sink) this.#say({ type: 'lost', v: 1, stage: stage.name, where, count });
  }

  #say(event: AnyEvent): void {
    this.next.text(canonical(event));
  }
}
