/** The types of members, with their size in bytes. A pointer is one of WebAssembly. */
const sizes = { u8: 1, i32: 4, u32: 4, f64: 8, pointer: 4 } as const;
const setters = { u8: 'setUint8', i32: 'setInt32', u32: 'setUint32', f64: 'setFloat64', pointer: 'setUint32' } as const;

export type Scalar = keyof typeof sizes;
/** One value, or [type, count] for an array. A count of 0, for the last member: as many as there are. */
export type Member = Scalar | Struct | readonly [Scalar | Struct, number];

/**
 * Memory that C and TypeScript share, described once. A file NAME.layout.ts exports structs, whole numbers, and lists of names.
 * TypeScript imports them, and C includes schemas/generated/NAME.layout.h, which the build makes of them: structs, macros and
 * enums. The C compiler checks that it places the members as described here.
 */
export class Struct<Name extends string = string> {
  /**
   * Where each member starts: an index into a typed array of the member's type that starts with the struct. For members that
   * are structs, a number of bytes.
   */
  readonly at: { readonly [name in Name]: number };
  /** Its size in bytes, without a last member that has as many values as there are. */
  readonly bytes: number;
  readonly #align: number;

  constructor(readonly members: { readonly [name in Name]: Member }) {
    const at: Record<string, number> = {};
    let end = 0;
    let align = 1;
    for (const [name, member] of Object.entries<Member>(members)) {
      const [type, count] = typeAndCount(member);
      const size = type instanceof Struct ? type.bytes : sizes[type];
      const own = type instanceof Struct ? type.#align : size;
      const start = Math.ceil(end / own) * own;
      at[name] = type instanceof Struct ? start : start / size;
      end = start + size * count;
      align = Math.max(align, own);
    }
    this.at = at as { [name in Name]: number };
    this.#align = align;
    this.bytes = Math.ceil(end / align) * align;
  }

  /** Writes members of the struct that starts at `place`, a number of bytes. */
  write(view: DataView, place: number, values: { readonly [name in Name]?: number | ArrayLike<number> }): void {
    for (const [name, value] of Object.entries(values as Record<string, number | ArrayLike<number>>)) {
      const [type] = typeAndCount(this.members[name as Name]) as [Scalar, number];
      const all = typeof value === 'number' ? [value] : Array.from(value);
      for (const [i, one] of all.entries())
        view[setters[type]](place + (this.at[name as Name] + i) * sizes[type], one, true);
    }
  }
}

export const typeAndCount = (member: Member): readonly [Scalar | Struct, number] =>
  typeof member === 'string' || member instanceof Struct ? [member, 1] : member;
