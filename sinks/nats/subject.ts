import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';

type Part = string | LineField;

const longest = 60;
/** So many values are remembered as they are written. */
const mostKnown = 10_000;

/** A subject with fields of events in it, `conn.{host}.{type}`: each line has one of its own. */
export class Subject {
  /** What all its subjects match: `conn.*.*`. */
  readonly wildcard: string;
  readonly #parts: Part[];
  readonly #written = new Map<string, string>();

  /** `usual` is what stands for a field that a line does not have. Throws UsageError. */
  constructor(
    text: string,
    private readonly usual: Record<string, string> = {},
  ) {
    const tokens = text.split('.');
    const wrong = tokens.find((token) => !/^([^\s{}*>$\0]|\{\w+\})+$/.test(token));
    if (wrong !== undefined)
      throw new UsageError(`wants words and {fields} with dots between, such as conn.{host}.{type}, not "${text}"`);
    this.wildcard = tokens.map((token) => (token.includes('{') ? '*' : token)).join('.');
    this.#parts = text
      .split(/(\{\w+\})/)
      .filter((part) => part !== '')
      .map((part) => (part.startsWith('{') ? new LineField(part.slice(1, -1)) : part));
  }

  of(line: Line): string {
    let subject = '';
    for (const part of this.#parts) subject += typeof part === 'string' ? part : this.#value(part, line);
    return subject;
  }

  #value(field: LineField, line: Line): string {
    if (field.name === 'type') return this.#token(line.type);
    const value = line.text(field) ?? line.field(field.name) ?? this.usual[field.name] ?? '';
    return this.#token(typeof value === 'object' ? '' : String(value));
  }

  #token(value: string): string {
    const known = this.#written.get(value);
    if (known !== undefined) return known;
    const written = token(value);
    if (this.#written.size < mostKnown) this.#written.set(value, written);
    return written;
  }
}

/** A value as a part of a subject: what means something there, or is not ASCII, is `_`; an empty one is `-`. */
export function token(value: string): string {
  return value.slice(0, longest).replace(/[^\w:+,=@~-]/gu, '_') || '-';
}
