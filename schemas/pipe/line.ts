import { isUtf8 } from 'node:buffer';
import type { ErrorObject } from 'ajv';
import type { Event } from '../generated/events.js';
import generated from '../generated/validate.cjs';
import { printable } from './errors.js';

/** Any event: one of ours, or one of a type that only other stages know. */
export type AnyEvent = Event | { type: string; [key: string]: unknown };

/**
 * One validated line of the pipe: its own bytes, `buffer[start..end)` without the newline, and its fields.
 * A view that the reader moves from line to line: valid only until the stage's `line()` has ended.
 */
export class Line {
  buffer: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  type = '';
  #event: AnyEvent = { type: '' };

  /** A top-level field's value; undefined where the event has none. */
  field(name: string): unknown {
    return Object.hasOwn(this.#event, name) ? (this.#event as Record<string, unknown>)[name] : undefined;
  }

  /** The whole event as an object, safe to keep. */
  get event(): AnyEvent {
    return this.#event;
  }

  /** Takes the bytes as the current line. Returns the reason where they are no valid event. */
  take(buffer: Buffer, start: number, end: number): string | undefined {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    if (!isUtf8(buffer.subarray(start, end))) return 'not UTF-8';
    const text = buffer.toString('utf8', start, end);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return `not JSON: ${excerpt(text)}`;
    }
    const reason = invalid(value, text);
    if (reason !== undefined) return reason;
    this.#event = value as AnyEvent;
    this.type = this.#event.type;
    return undefined;
  }
}

/** Why a value is no event of the contract; undefined for a good one. Events of unknown types only need a type. */
export function invalid(value: unknown, text = String(value)): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `not a JSON object: ${excerpt(text)}`;
  }
  if (!Object.hasOwn(value, 'type')) return '/type is missing';
  const { type } = value as { type: unknown };
  if (typeof type !== 'string') return '/type must be string';
  const validate = Object.hasOwn(generated, type) ? generated[type] : undefined;
  if (!validate) return undefined;
  // Another version may have other fields: that it is another is what is to be said of it.
  if (Object.hasOwn(value, 'v') && (value as { v: unknown }).v !== 1)
    return '/v must be 1, the version this synpipe reads';
  if (validate(value)) return undefined;
  return reason(validate.errors ?? []);
}

function reason(errors: ErrorObject[]): string {
  const last = errors.at(-1) as ErrorObject;
  const { instancePath: path, keyword, params } = last;
  const where = printable(path);
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return `${where}/${params.missingProperty} is missing`;
    case 'const':
      return `${where} must be ${JSON.stringify(params.allowedValue)}`;
    case 'enum':
      return `${where} must be one of ${params.allowedValues.join(', ')}`;
    case 'anyOf':
      return `${where} must be ${errors.flatMap((e) => (e.keyword === 'format' ? [e.params.format] : [])).join(' or ')}`;
    default:
      return `${where} ${last.message}`;
  }
}

function excerpt(text: string): string {
  const bare = text.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
  return printable(bare.length > 60 ? `${bare.slice(0, 60)}…` : bare);
}
