/** What the schema says about a field's values, as far as comparisons need it. schemas/generated/fields.ts has all of them. */
export interface Kind {
  /** `choice` is one of `words`, `host` is a name or an address, `other` cannot be compared. */
  is: 'number' | 'text' | 'address' | 'host' | 'time' | 'choice' | 'other';
  /** The field is a list of such values. */
  list?: true;
  words?: (string | number | boolean)[];
  min?: number;
  max?: number;
  whole?: true;
  /** The unit of a duration, as a power of ten of a second. */
  exponent?: number;
  pattern?: string;
  maxLength?: number;
}

interface Property {
  const?: string | number | boolean;
  enum?: (string | number | boolean)[];
  type?: string;
  items?: Property;
  anyOf?: { format?: string }[];
  unit?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

const exponents: Record<string, number> = { microseconds: -6, milliseconds: -3, seconds: 0 };

/** Returns the Kind of a JSON Schema property. */
export function describe(property: Property): Kind {
  const { type, items, unit = '', pattern, minimum: min, maximum: max, maxLength } = property;
  if (type === 'array' && items) return { ...describe(items), list: true };
  if (property.const !== undefined) return { is: 'choice', words: [property.const] };
  if (property.enum) return { is: 'choice', words: property.enum };
  if (property.anyOf?.some(({ format }) => format === 'ipv4')) return { is: 'address' };
  if (type === 'integer' || type === 'number') {
    const whole = type === 'integer' || undefined;
    return { is: 'number', ...defined({ min, max, whole, exponent: exponents[unit] }) };
  }
  if (type !== 'string') return { is: 'other' };
  if (unit.startsWith('RFC 3339')) return { is: 'time' };
  return { is: 'text', ...defined({ pattern, maxLength }) };
}

function defined<T extends object>(some: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(some).filter(([, value]) => value !== undefined)) as never;
}

/** Combines the fields of several event types. If they differ, a comparison may use what either allows. */
export function together(types: readonly Readonly<Record<string, Kind>>[]): ReadonlyMap<string, Kind> {
  const all = new Map<string, Kind>();
  for (const fields of types) {
    for (const [name, field] of Object.entries(fields)) {
      const before = all.get(name);
      all.set(name, before ? either(before, field) : field);
    }
  }
  return all;
}

/** Combines two fields that have the same name: the result allows what either allows. */
function either({ words = [], pattern, maxLength, ...one }: Kind, other: Kind): Kind {
  const all = [...new Set([...words, ...(other.words ?? [])])];
  return {
    ...one,
    ...(all.length > 0 && { words: all }),
    ...(pattern !== undefined && pattern === other.pattern && { pattern }),
    ...(maxLength !== undefined &&
      other.maxLength !== undefined && { maxLength: Math.max(maxLength, other.maxLength) }),
  };
}

const are = ({ words = [] }: Kind, type: 'number' | 'string') => words.every((word) => typeof word === type);

/** Whether all values are numbers. */
export function isNumeric(kind: Kind): boolean {
  return !kind.list && (kind.is === 'number' || (kind.is === 'choice' && are(kind, 'number')));
}

/** Whether all values, or all values in the list, are texts. */
export function isText(kind: Kind): boolean {
  return ['text', 'address', 'host', 'time'].includes(kind.is) || (kind.is === 'choice' && are(kind, 'string'));
}
