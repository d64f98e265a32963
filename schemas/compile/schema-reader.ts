import { type Matcher, mostBytes, type Step } from './matcher.js';
import { parsePattern } from './pattern.js';

export interface Property {
  [keyword: string]: unknown;
}
/** Fields that no scanner reads: lines with them go to JSON.parse and ajv. */
const unread = new Set(['status/filters', 'status/unnamed', 'otel/$defs/value/doubleValue']);

/** How often a definition can be inside itself. */
const mostNested = 2;

export const annotations = ['title', 'description', 'unit', 'source', 'examples', 'default', 'deprecated', '$comment'];
const mostExact = Number.MAX_SAFE_INTEGER;

/** Reads the values of one schema. A path has the names of the properties that lead to a value, each after a slash. */
export class SchemaReader {
  constructor(
    private readonly type: string,
    private readonly definitions: Record<string, Property>,
    /** The definitions that the value is inside of. */
    private readonly inside: readonly string[] = [],
  ) {}

  fail(path: string, what: string): never {
    throw new Error(
      `${this.type}.schema.json: ${path}: the scanner does not know ${what}; add it to schemas/compile/schema-reader.ts, or list it there as unread`,
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
