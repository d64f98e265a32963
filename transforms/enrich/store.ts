import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';
import type { Answer } from './answer.js';

interface AnswerList {
  /** How many answers it holds. */
  readonly size: number;
  /** The store's number of additions when the list was last moved to the end. */
  moved: number;
  add(answer: Answer): void;
}

/** Lists of answers by key, with a limit on the number of answers. The list that grew least recently is dropped first. */
export class Store<L extends AnswerList> {
  /** In the order in which they are dropped. */
  readonly #lists = new AgingMap<string, L>();
  #size = 0;
  #additions = 0;

  constructor(
    private readonly limit: number,
    private readonly make: () => L,
  ) {}

  get(key: string): L | undefined {
    return this.#lists.get(key);
  }

  add(key: string, answer: Answer): L {
    const list = this.#lists.get(key) ?? this.make();
    this.#additions++;
    this.#size -= list.size;
    list.add(answer);
    this.#size += list.size;
    // A Map gets slow if the same key is deleted and set often, so a list that grows often is not moved each time.
    if (this.#additions - list.moved > this.limit / 8) {
      this.#lists.delete(key);
      this.#lists.set(key, list);
      list.moved = this.#additions;
    }
    while (this.#size > this.limit && this.#lists.size > 1) this.delete(this.#lists.oldest as string);
    return list;
  }

  delete(key: string): void {
    this.#size -= this.#lists.get(key)?.size ?? 0;
    this.#lists.delete(key);
  }
}
