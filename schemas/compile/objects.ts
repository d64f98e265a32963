import { keyOf, type Matcher } from './matcher.js';

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
