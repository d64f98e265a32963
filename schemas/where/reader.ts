import { ExpressionError } from '../pipe/messages/errors.js';

/** Says what is wrong, and at which index of the text. */
export type Fail = (at: number, message: string) => never;

/** A `Fail` that names the column, counted in characters from 1. */
export function failIn(text: string): Fail {
  return (at, message) => {
    throw new ExpressionError(`column ${[...text.slice(0, at)].length + 1}: ${message}`);
  };
}

/** Reads a text from its begin, piece by piece, without the spaces between the pieces. */
export class Reader {
  readonly fail: Fail;
  #at = 0;

  constructor(readonly text: string) {
    this.fail = failIn(text);
  }

  /** Where the next piece begins; at the end, the text's length. */
  get at(): number {
    while (/^\s/.test(this.text.charAt(this.#at))) this.#at++;
    return this.#at;
  }

  /** Takes the next piece if it is one of these; the pattern must be sticky (/y). */
  take(piece: RegExp): RegExpExecArray | undefined {
    piece.lastIndex = this.at;
    const found = piece.exec(this.text) ?? undefined;
    if (found) this.#at = piece.lastIndex;
    return found;
  }

  /** Whether the next piece is one of these. It stays. */
  sees(piece: RegExp): boolean {
    piece.lastIndex = this.at;
    return piece.test(this.text);
  }

  /** Goes on at this index. */
  skipTo(at: number): void {
    this.#at = at;
  }
}
