import { type Part, parsePattern } from './pattern.js';

/**
 * How the scanner checks a value. A matcher accepts only what the schema allows, in its canonical spelling. Everything else is
 * left to JSON.parse and ajv, so a matcher that accepts too little is slow but never wrong.
 */
export type Matcher =
  /** One of these texts. */
  | { kind: 'literals'; texts: string[] }
  /** A whole number from min to max, digits only. */
  | { kind: 'integer'; min: number; max: number }
  /** A string of min to max characters (code points). */
  | { kind: 'string'; min: number; max: number }
  /** A string of ASCII characters that matches a pattern. */
  | { kind: 'pattern'; source: string; parts: Part[] }
  /** An address of one of these families, as a string. */
  | { kind: 'address'; ipv4: boolean; ipv6: boolean }
  /** An array of min to max values. */
  | { kind: 'list'; item: Matcher; min: number; max: number }
  /** An object with these members, or with a single one of them, in any order. */
  | { kind: 'object'; members: Step[]; single: boolean }
  /** An object whose members are not in the schema. */
  | { kind: 'open' }
  /** No value at all: a line with this field is never accepted. */
  | { kind: 'none' };

export interface Step {
  name: string;
  required: boolean;
  value: Matcher;
}

/** The form of canonical lines of one event type: the fields in their order. */
export interface Plan {
  type: string;
  title: string;
  steps: Step[];
  /** How many words of bits stand for the fields in a record: as many as the type with most fields needs. */
  words: number;
  /** If the first field is present, the others must be too: indices in `steps`. */
  dependent: [field: number, others: number[]][];
}

interface Property {
  [keyword: string]: unknown;
}
interface Schema extends Property {
  title: string;
  required?: string[];
  properties: Record<string, Property>;
  dependentRequired?: Record<string, string[]>;
  $defs?: Record<string, Property>;
}

/** Types without a scanner: their lines, which are few, go to JSON.parse and ajv. */
export const unscanned = new Set(['summary']);

/** Fields that no scanner reads: lines with them go to JSON.parse and ajv. */
const unread = new Set(['status/filters', 'status/unnamed', 'otel/$defs/value/doubleValue']);

/** How often a definition can be inside itself. */
const mostNested = 2;

const annotations = ['title', 'description', 'unit', 'source', 'examples', 'default', 'deprecated', '$comment'];
const mostExact = Number.MAX_SAFE_INTEGER;
const mostBytes = 0xffff; // the longest line that is scanned: places in it are kept in 16 bits

/** Returns the plan for an event type's schema. Throws if the schema has a keyword that the scanner cannot check. */
export function planOf(type: string, schema: Schema): Plan {
  const reader = new SchemaReader(type, schema.$defs ?? {});
  const known = [...annotations, '$schema', '$id', '$defs', 'type', 'required', 'properties', 'dependentRequired'];
  for (const keyword of Object.keys(schema)) if (!known.includes(keyword)) reader.fail('', `"${keyword}"`);
  const { properties, required = [], dependentRequired = {} } = schema;
  const steps = reader.steps(properties, required, '');
  const fixed = ({ required, value }: Step) => required && value.kind === 'literals' && value.texts.length === 1;
  if (steps[0]?.name !== 'type' || steps[1]?.name !== 'v' || !steps.slice(0, 2).every(fixed))
    reader.fail('', 'events that do not start with type and v');
  const names = Object.keys(properties);
  const position = (name: string) =>
    names.includes(name) ? names.indexOf(name) : reader.fail('', `the property ${name}`);
  return {
    type,
    title: schema.title,
    steps,
    words: Math.ceil(steps.length / 32),
    dependent: Object.entries(dependentRequired).map(([name, others]) => [position(name), others.map(position)]),
  };
}

/** Reads the values of one schema. A path has the names of the properties that lead to a value, each after a slash. */
class SchemaReader {
  constructor(
    private readonly type: string,
    private readonly definitions: Record<string, Property>,
    /** The definitions that the value is inside of. */
    private readonly inside: readonly string[] = [],
  ) {}

  fail(path: string, what: string): never {
    throw new Error(
      `${this.type}.schema.json: ${path}: the scanner does not know ${what}; add it to schemas/compile/plan.ts, or list it there as unread`,
    );
  }

  /** Returns how to check the properties of an object. */
  steps(properties: Record<string, Property>, required: readonly string[], path: string): Step[] {
    for (const name of required) if (!Object.hasOwn(properties, name)) this.fail(path, `the property ${name}`);
    return Object.entries(properties).map(([name, property]) => {
      const own = `${path}/${name}`;
      if (!/^@?[a-z][A-Za-z0-9_]*$/.test(name)) this.fail(own, 'such a name');
      const isRead = !unread.has(`${this.type}${own}`);
      return {
        name,
        required: required.includes(name),
        value: isRead ? this.matcher(property, own) : { kind: 'none' },
      };
    });
  }

  /** Returns the matcher of a property. Throws on unknown keywords and combinations of keywords. */
  matcher(property: Property, path: string): Matcher {
    const keywords = Object.keys(property).filter((keyword) => !annotations.includes(keyword));
    const fail = (what: string) => this.fail(path, what);
    const only = (...allowed: string[]) => {
      for (const keyword of keywords) if (!allowed.includes(keyword)) fail(`"${keyword}" here`);
    };
    const number = (keyword: string, otherwise: number) => (property[keyword] as number | undefined) ?? otherwise;
    if ('$ref' in property) {
      only('$ref');
      return this.#definition(property.$ref as string, path);
    }
    if ('const' in property || 'enum' in property) {
      only('const', 'enum');
      if (keywords.length > 1) fail('"const" and "enum" together');
      const values = 'const' in property ? [property.const] : (property.enum as unknown[]);
      if (values.some((value) => typeof value === 'object')) fail('such constants');
      const texts = values.map((value) => JSON.stringify(value));
      if (texts.some((text) => !/^[ -~]*$/.test(text) || text.includes('\\'))) fail('such constants');
      return { kind: 'literals', texts };
    }
    switch (property.type) {
      case 'boolean':
        only('type');
        return { kind: 'literals', texts: ['true', 'false'] };
      case 'integer': {
        only('type', 'minimum', 'maximum');
        const [min, max] = [number('minimum', 0), number('maximum', mostExact)];
        return { kind: 'integer', min: Math.max(min, 0), max: Math.min(max, mostExact) };
      }
      case 'string':
        return stringOf(property, only, number, fail);
      case 'array': {
        only('type', 'items', 'minItems', 'maxItems');
        if (!('items' in property)) fail('arrays of anything');
        const item = this.matcher(property.items as Property, path);
        if (item.kind === 'list') fail('arrays of arrays');
        return { kind: 'list', item, min: number('minItems', 0), max: number('maxItems', mostBytes) };
      }
      case 'object':
        only('type', 'properties', 'required', 'additionalProperties', 'maxProperties');
        return this.#object(property, path);
      default:
        return fail(`"type": ${JSON.stringify(property.type)}`);
    }
  }

  #object(property: Property, path: string): Matcher {
    const { properties, required = [], additionalProperties = false, maxProperties } = property;
    if (!properties && Object.keys(property).some((keyword) => keyword !== 'type' && !annotations.includes(keyword)))
      this.fail(path, 'such an object');
    if (!properties) return { kind: 'open' };
    if (additionalProperties !== false) this.fail(path, '"additionalProperties" here');
    if (maxProperties !== undefined && maxProperties !== 1) this.fail(path, '"maxProperties" here');
    const members = this.steps(properties as Record<string, Property>, required as string[], path);
    if (members.length > 32) this.fail(path, 'so many properties');
    return { kind: 'object', members, single: maxProperties === 1 };
  }

  #definition(reference: string, path: string): Matcher {
    const [, name = ''] = /^#\/\$defs\/(\w+)$/.exec(reference) ?? [];
    const definition = this.definitions[name] ?? this.fail(path, `the definition ${reference}`);
    if (this.inside.filter((one) => one === name).length === mostNested) return { kind: 'none' };
    const inner = new SchemaReader(this.type, this.definitions, [...this.inside, name]);
    return inner.matcher(definition, `/$defs/${name}`);
  }
}

function stringOf(
  property: Property,
  only: (...allowed: string[]) => void,
  number: (keyword: string, otherwise: number) => number,
  fail: (what: string) => never,
): Matcher {
  if ('pattern' in property) {
    only('type', 'pattern');
    const source = property.pattern as string;
    const unsigned = source.replace('^-?', '^'); // negative numbers are left to ajv
    return { kind: 'pattern', source, parts: parsePattern(unsigned, fail) };
  }
  if ('format' in property || 'anyOf' in property) {
    only('type', 'format', 'anyOf');
    if ('format' in property && 'anyOf' in property) fail('"format" and "anyOf" together');
    const choices = 'format' in property ? [{ format: property.format }] : (property.anyOf as Property[]);
    const formats = choices.map((choice) => {
      for (const keyword of Object.keys(choice)) if (keyword !== 'format') fail(`"${keyword}" here`);
      return choice.format as string;
    });
    for (const format of formats) if (format !== 'ipv4' && format !== 'ipv6') fail(`the format "${format}"`);
    return { kind: 'address', ipv4: formats.includes('ipv4'), ipv6: formats.includes('ipv6') };
  }
  only('type', 'minLength', 'maxLength');
  return { kind: 'string', min: number('minLength', 0), max: number('maxLength', mostBytes) };
}

/** Returns the TypeScript module that lists the event types and fields that the scanner knows. */
export function known(plans: Plan[]): string {
  return `/** The event types that the scanner knows. A line's kind is its type's index here; fields are in word order. */
export const kinds: readonly { type: string; fields: readonly string[] }[] = [
${plans.map(({ type, steps }) => `  { type: '${type}', fields: [${steps.map(({ name }) => `'${name}'`).join(', ')}] },`).join('\n')}
];
`;
}

/** Returns the text before a step's value, with the opening quote if the value is always a string. */
export function keyOf({ name, value }: Step): string {
  const quoted = value.kind === 'string' || value.kind === 'pattern' || value.kind === 'address';
  return `,"${name}":${quoted ? '"' : ''}`;
}

/** Returns the text that starts every line of the type. */
export function headOf({ steps }: Plan): string {
  const text = (step: number) => ((steps[step] as Step).value as { texts: string[] }).texts[0];
  return `{"type":${text(0)},"v":${text(1)}`;
}

/** Returns the words of bits that stand for these fields in a record. */
export function bitsOf(plan: Plan, fields: number[]): number[] {
  const words = Array<number>(plan.words).fill(0);
  for (const field of fields) words[field >> 5] = (words[field >> 5] as number) | (1 << (field & 31));
  return words.map((bits) => bits >>> 0);
}

/** Returns the members of an object that may be accepted, each with its key, and the bits of those that it must have. */
export function membersOf({ members }: Matcher & { kind: 'object' }): {
  read: { key: string; value: Matcher }[];
  required: number;
} {
  const read = members.filter(({ required, value }) => required || value.kind !== 'none');
  return {
    read: read.map((step) => ({ key: keyOf(step).slice(1), value: step.value })), // keyOf starts with a comma
    required: read.reduce((bits, { required }, at) => (required ? bits | (1 << at) : bits), 0) >>> 0,
  };
}

/** The functions of a scanner for the objects inside values. Equal objects share one. */
export class ObjectFunctions {
  readonly #names = new Map<string, string>();
  /** Their code, each after those that it calls. */
  readonly code: string[] = [];

  /** Returns the name of an object's function. If it is new, \`write\` returns its code. */
  nameOf(object: Matcher, write: (name: string) => string): string {
    const key = JSON.stringify(object);
    let name = this.#names.get(key);
    if (name === undefined) {
      name = `object_${this.#names.size}`;
      this.#names.set(key, name);
      this.code.push(write(name));
    }
    return name;
  }
}

/** Returns the bits of the fields that every event of the type has. */
export function requiredOf(plan: Plan): number[] {
  return bitsOf(
    plan,
    plan.steps.flatMap((step, at) => (step.required ? [at] : [])),
  );
}

/** Describes what a matcher accepts, for the comments of generated code. */
export function describe(value: Matcher): string {
  const many = (min: number, max: number) => (max === mostBytes ? `${min} or more` : `${min} to ${max}`);
  switch (value.kind) {
    case 'literals':
      return value.texts.join(' or ');
    case 'integer':
      return `a whole number from ${value.min} to ${value.max}`;
    case 'string':
      return `a string of ${many(value.min, value.max)} characters`;
    case 'pattern':
      return `a string like ${value.source}`;
    case 'address':
      return [value.ipv4 && 'IPv4', value.ipv6 && 'IPv6'].filter(Boolean).join(' or ');
    case 'list':
      return `a list of ${many(value.min, value.max)} of: ${describe(value.item)}`;
    case 'object':
      return `an object with ${value.single ? 'one' : 'some'} of ${value.members.map(({ name }) => name).join(', ')}`;
    case 'open':
      return 'an object';
    case 'none':
      return 'left to JSON.parse and ajv';
  }
}
