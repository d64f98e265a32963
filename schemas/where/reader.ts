import { ExpressionError } from '../pipe/messages/errors.js';

/** Throws an error with a message about the text at this index. */
export type Fail = (at: number, message: string) => never;

/** Returns a `Fail` that throws ExpressionError and gives the column, counted in characters from 1. */
export function failIn(text: string): Fail {
  return (at, message) => {
    throw new ExpressionError(`column ${[...text.slice(0, at)].length + 1}: ${message}`);
  };
}

/** Reads a text piece by piece, and skips the spaces between the pieces. */
export class Reader {
  readonly fail: Fail;
  #at = 0;

  constructor(readonly text: string) {
    this.fail = failIn(text);
  }

  /** The index of the next piece; at the end, the text's length. */
  get at(): number {
    while (/^\s/.test(this.text.charAt(this.#at))) this.#at++;
    return this.#at;
  }

  /** Takes the next piece if it matches the pattern, which must be sticky (/y). */
  take(piece: RegExp): RegExpExecArray | undefined {
    piece.lastIndex = this.at;
    const found = piece.exec(this.text) ?? undefined;
    if (found) this.#at = piece.lastIndex;
    return found;
  }

  /** Whether the next piece matches the pattern. Does not take it. */
  sees(piece: RegExp): boolean {
    piece.lastIndex = this.at;
    return piece.test(this.text);
  }

  /** Continues at this index. */
  skipTo(at: number): void {
    this.#at = at;
  }
}
