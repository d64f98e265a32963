/** Fields that stand for others: the first of these that an event has is the value. */
const virtualFields: Readonly<Record<string, readonly string[]>> = { dest: ['dest', 'name', 'daddr'] };

/** Returns the fields that a field's value may come from, in their order: of an ordinary field itself. */
export function sourcesOf(name: string): readonly string[] {
  return Object.hasOwn(virtualFields, name) ? (virtualFields[name] as readonly string[]) : [name];
}
