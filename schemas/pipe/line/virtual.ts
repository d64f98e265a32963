/** Virtual fields. The value is that of the first listed field that the event has. */
const virtualFields: Readonly<Record<string, readonly string[]>> = { dest: ['dest', 'name', 'daddr'] };

/** Returns the fields that may give a field's value, in order. For an ordinary field that is the field itself. */
export function sourcesOf(name: string): readonly string[] {
  return Object.hasOwn(virtualFields, name) ? (virtualFields[name] as readonly string[]) : [name];
}
