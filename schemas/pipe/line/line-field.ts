import { kinds } from '../../generated/kinds.js';

/**
 * A field by name, prepared for the lines of all types. A stage makes it once, `const dport = new LineField('dport')`, and
 * reads it from each line: `line.number(dport)`.
 */
export class LineField {
  /** For each kind of line, the index of the field among those of the type; -1 if the type does not have it. */
  readonly places: Int8Array;

  constructor(readonly name: string) {
    this.places = Int8Array.from(kinds, ({ fields }) => fields.indexOf(name));
  }
}
