import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { invalidValue } from '../../schemas/pipe/messages/errors.js';

const longest = 60;
/** How many converted values to cache. */
const mostKnown = 10_000;

/** A subject template with fields of events in it, such as `conn.{host}.{type}`. */
export class Subject {
  /** A wildcard that matches all of its subjects: `conn.*.*`. */
  readonly wildcard: string;
  readonly #parts: (string | LineField)[];
  readonly #written = new Map<string, string>();

  /** `defaults` has the values for fields that a line does not have. Throws invalidValue if the template is not valid. */
  constructor(
    text: string,
    private readonly defaults: Record<string, string> = {},
  ) {
    const tokens = text.split('.');
    const wrong = tokens.find((token) => !/^([^\s{}*>$\0]|\{\w+\})+$/.test(token));
    if (wrong !== undefined)
      throw invalidValue(text, 'use words and {fields} separated by dots, such as conn.{host}.{type}');
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
    const value = line.text(field) ?? line.field(field.name) ?? this.defaults[field.name] ?? '';
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

/** Converts a value to a part of a subject: special and non-ASCII characters become `_`, an empty value becomes `-`. */
export function token(value: string): string {
  return value.slice(0, longest).replace(/[^\w:+,=@~-]/gu, '_') || '-';
}
