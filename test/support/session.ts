import type { TestContext } from 'node:test';
import type { AnyEvent } from '../../schemas/pipe/line/line.js';
import { events } from '../../schemas/pipe/run/pipeline.js';
import type { Stage } from '../../schemas/pipe/stage/stage.js';

/** A running stage: send it events, and take its output one event at a time. */
export class Session {
  readonly #waiting: AnyEvent[] = [];
  #wake = () => {};
  #ended = false;
  readonly #out: AsyncGenerator<AnyEvent>;

  constructor(t: TestContext, stage: Stage) {
    this.#out = events(this.#source(), stage);
    t.after(() => this.end());
  }

  send(...events: object[]): void {
    this.#waiting.push(...(events as AnyEvent[]));
    this.#wake();
  }

  /** The next output event; undefined at the end. */
  async take(): Promise<Record<string, unknown> | undefined> {
    const { value, done } = await this.#out.next();
    return done ? undefined : value;
  }

  /** Sends one event and takes one. */
  async ask(event: object): Promise<Record<string, unknown>> {
    this.send(event);
    return (await this.take()) ?? {};
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *#source(): AsyncGenerator<AnyEvent> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) yield next;
      else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
