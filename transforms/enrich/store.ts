import type { Answer } from './answer.js';

interface List {
  readonly size: number;
  add(answer: Answer): void;
}

/** Lists of answers by key, bounded by how many answers they hold: the list that grew least recently goes first. */
export class Store<L extends List> {
  readonly #lists = new Map<string, L>();
  #size = 0;

  constructor(
    private readonly limit: number,
    private readonly make: () => L,
  ) {}

  get(key: string): L | undefined {
    return this.#lists.get(key);
  }

  add(key: string, answer: Answer): L {
    const list = this.#lists.get(key) ?? this.make();
    this.delete(key); // so that it comes last again
    list.add(answer);
    this.#lists.set(key, list);
    this.#size += list.size;
    while (this.#size > this.limit && this.#lists.size > 1) this.delete(this.#lists.keys().next().value as string);
    return list;
  }

  delete(key: string): void {
    this.#size -= this.#lists.get(key)?.size ?? 0;
    this.#lists.delete(key);
  }
}
