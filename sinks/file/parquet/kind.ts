const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** How each kind of column is written. */
export const kinds = {
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  instant: { type: 'INT64', converted_type: 'TIMESTAMP_MICROS' },
  json: { type: 'BYTE_ARRAY', converted_type: 'JSON' },
} as const;
export type Kind = keyof typeof kinds;

/** Returns the kind of a field's value, which is not null. */
export function kindOf(name: string, one: unknown): Kind {
  if (typeof one === 'number') return Number.isSafeInteger(one) ? 'integer' : 'number';
  if (typeof one === 'boolean') return 'boolean';
  if (typeof one === 'string')
    return name === 'ts' && instant.test(one) && !Number.isNaN(Date.parse(one)) ? 'instant' : 'string';
  return 'json';
}

/** Returns the narrowest kind that can hold values of both kinds. */
export function widened(known: Kind | undefined, kind: Kind): Kind {
  if (known === undefined || known === kind) return kind;
  const both = [known, kind];
  if (both.every((one) => one === 'integer' || one === 'number')) return 'number';
  return both.every((one) => one === 'instant' || one === 'string') ? 'string' : 'json';
}
