import { Line } from '../../schemas/pipe/line/line.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import type { Predicate } from '../../schemas/where/on.js';
import { where } from '../../schemas/where/where.js';
import { History } from './history.js';
import { Model } from './model.js';

/** The event types that a filter can select. */
const types = ['connect', 'outcome', 'pending', 'dns'];

/** Compiles a filter. Throws UsageError. */
export const compile = (text: string): Predicate => where(text, types);

/** What the events that match a filter add up to. */
export class Filtered {
  /** Undefined without a filter. */
  model: Model | undefined;
  #keep: Predicate | undefined;
  readonly #history = new History();

  /** `all` is the model of all events. */
  constructor(private readonly all: Model) {}

  take(line: Line): void {
    if (types.includes(line.type)) this.#history.add(line);
    if (this.#keep?.(line)) this.model?.take(line);
  }

  /** Applies a filter, also to the events that are still remembered; an empty one ends it. Returns what is wrong with it. */
  apply(text: string): string | undefined {
    try {
      this.#keep = text === '' ? undefined : compile(text);
    } catch (error) {
      if (error instanceof UsageError) return error.message;
      throw error;
    }
    this.model = this.#keep && this.#past(this.#keep);
    return undefined;
  }

  #past(keep: Predicate): Model {
    const model = new Model();
    const take = (line: Line) => void (keep(line) && model.take(line));
    const line = new Line();
    for (const { event } of this.all.waiting.values()) {
      const bytes = Buffer.from(event.text);
      if (line.take(bytes, 0, bytes.length) === undefined) take(line);
    }
    this.#history.each(take);
    return model;
  }
}
