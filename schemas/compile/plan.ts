import type { Step } from './matcher.js';
import { annotations, type Property, SchemaReader } from './schema-reader.js';

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

interface Schema extends Property {
  title: string;
  required?: string[];
  properties: Record<string, Property>;
  dependentRequired?: Record<string, string[]>;
  $defs?: Record<string, Property>;
}

/** Types without a scanner: their lines, which are few, go to JSON.parse and ajv. */
export const unscanned = new Set(['summary']);

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

/** Returns the TypeScript module that lists the event types and fields that the scanner knows. */
export function known(plans: Plan[]): string {
  return `/** The event types that the scanner knows. A line's kind is its type's index here; fields are in word order. */
export const kinds: readonly { type: string; fields: readonly string[] }[] = [
${plans.map(({ type, steps }) => `  { type: '${type}', fields: [${steps.map(({ name }) => `'${name}'`).join(', ')}] },`).join('\n')}
];
`;
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

/** Returns the bits of the fields that every event of the type has. */
export function requiredOf(plan: Plan): number[] {
  return bitsOf(
    plan,
    plan.steps.flatMap((step, at) => (step.required ? [at] : [])),
  );
}
