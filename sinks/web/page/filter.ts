/** Expressions of the filter, which sink-web evaluates. */
import type { Attempt } from './model.js';

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;

export const ofProcess = ({ process, processField }: Attempt) =>
  processField === undefined ? 'not comm' : `${processField} == ${quoted(process)}`;

export function ofDestination({ type, to, toField, port }: Attempt): string {
  const place = `${toField} == ${toField === 'name' ? quoted(to) : to}`;
  return `${place} and ${type === 'dns' ? 'type == dns' : `dport == ${port}`}`;
}

/** Returns the condition that a field has this value. A field in no schema is written with a dot. */
export async function ofField(name: string, value: string | number): Promise<string> {
  const condition = `${name} == ${typeof value === 'string' ? quoted(value) : value}`;
  return (await whyInvalid(condition)) === '' ? condition : `.${quoted(name)}${condition.slice(name.length)}`;
}

/** Adds a condition to a filter. */
export function both(filter: string, condition: string): string {
  if (filter === '') return condition;
  return `${/\bor\b|\|\|/.test(filter) ? `(${filter})` : filter} and ${condition}`;
}

/** Resolves to why a filter is not valid, an empty text if it is valid, or undefined if sink-web does not answer. */
export async function whyInvalid(filter: string): Promise<string | undefined> {
  const answer = await fetch(`events?check&where=${encodeURIComponent(filter)}`).catch(() => undefined);
  return answer?.ok ? '' : answer && (await answer.text()).trim();
}
