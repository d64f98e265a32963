import { kinds } from '../../generated/kinds.js';

/**
 * A field by its name, for the lines of all types. A stage makes its own once: `const dport = new Field('dport')`, and
 * asks each line with it: `line.number(dport)`.
 */
export class LineField {
  /** For each kind of line the field's place among those of its type; -1 where the type has no such field. */
  readonly places: Int8Array;

  constructor(readonly name: string) {
    this.places = Int8Array.from(kinds, ({ fields }) => fields.indexOf(name));
  }
}
