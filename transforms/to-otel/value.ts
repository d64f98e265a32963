/** A value in OTLP JSON (AnyValue). */
type Value =
  | { stringValue: string }
  | { intValue: string }
  | { doubleValue: number }
  | { boolValue: boolean }
  | { arrayValue: { values: Value[] } }
  | { kvlistValue: { values: Attribute[] } }
  | Record<string, never>;

export interface Attribute {
  key: string;
  value: Value;
}

/** Converts any JSON value; null becomes the empty value. With `fraction`, whole numbers become doubles too. */
function anyValue(value: unknown, fraction = false): Value {
  if (value === null || value === undefined) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && !fraction) return { intValue: String(value) };
    return Number.isFinite(value) ? { doubleValue: value } : { stringValue: String(value) };
  }
  if (typeof value === 'bigint') {
    const text = String(value);
    return BigInt.asIntN(64, value) === value ? { intValue: text } : { stringValue: text };
  }
  if (Array.isArray(value)) return { arrayValue: { values: value.map((one) => anyValue(one)) } };
  return { kvlistValue: { values: attributes(Object.entries(value as object)) } };
}

export function attributes(fields: [string, unknown][], fractions?: ReadonlySet<string>): Attribute[] {
  return fields.map(([key, value]) => ({ key, value: anyValue(value, fractions?.has(key)) }));
}
