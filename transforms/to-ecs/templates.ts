import { isIP } from 'node:net';
import { fieldKinds } from '../../schemas/generated/fields.js';
import { kinds } from '../../schemas/generated/kinds.js';
import { canonical } from '../../schemas/pipe/line/canonical.js';
import type { AnyEvent } from '../../schemas/pipe/line/line.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { KernelMemory } from '../../schemas/pipe/scan/scanner.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';
import { type Computed, relatedTexts } from './derived.js';
import { lower, nanoseconds, type Table } from './mapping.js';
import * as layout from './template.layout.js';

/** Converts an event, whose time is `ts`. */
export type ConvertEvent = (event: AnyEvent, ts: string) => AnyEvent;

/** A value of a line, or a text that is computed from values. `of` has their numbers, counted from the line's first value. */
interface Value {
  op: Computed['op'];
  of: readonly number[];
}
/** A piece of a template: a text, and the value after it. */
interface Piece extends Value {
  text: string;
}

const { at } = layout.templates;
const arenaWords = 1 << 20;
/** Words after the last text that may be read. */
const slack = 4;
const { indexBits } = layout;
const indexMask = (1 << indexBits) - 1;
const mostTemplates = 3 << (indexBits - 2);

/**
 * Converts many lines at once, with a template for each shape of line: pieces of text, and the values between them. A template
 * is not written by hand. It comes from the first line of its shape: `convert` converts that event with marks in place of its
 * values, and the result is cut at the marks. So `convert` alone decides what the output is. `use` in template.layout.ts says
 * which properties of the values it may decide by; those are part of the shape.
 */
export class Templates implements KernelMemory {
  static readonly bytes = layout.templates.bytes + arenaWords * 4;
  readonly bytes = Templates.bytes;
  #words = new Uint32Array(0);
  #view = new DataView(new ArrayBuffer(0));
  #end = 0;
  #count = 0;

  constructor(
    private readonly types: readonly string[],
    private readonly tables: Readonly<Record<string, Table>>,
    private readonly computed: readonly Computed[],
    private readonly convert: ConvertEvent,
  ) {}

  use(memory: ArrayBuffer, offset: number): void {
    const { templateKind, use } = layout;
    this.#words = new Uint32Array(memory, offset, this.bytes / 4);
    this.#view = new DataView(memory, offset, this.bytes);
    for (const [kind, { type, fields }] of kinds.entries()) {
      const uses = fields.map((field) => use.indexOf(this.#useOf(type, field)));
      const converted = Number(this.types.includes(type));
      templateKind.write(this.#view, at.kinds + kind * templateKind.bytes, { converted, uses });
    }
    this.#clear();
  }

  /** Converts the lines from the first to the first that needs `convert`. Returns how many. */
  lines(lines: ScannedLines, out: Output): number {
    const { stop, convertRegisters } = layout;
    const { registers, output } = lines;
    for (let done = 0, learned = -1; ; ) {
      const rest = lines.part(done, lines.count);
      registers[convertRegisters.at.stop] = stop.indexOf('line');
      const count = rest.run('convert', this);
      const why = stop[registers[convertRegisters.at.stop] as number];
      const bytes = registers[convertRegisters.at.bytes] as number;
      if (count > 0) out.bytes(output, 0, bytes - 1, count);
      done += count;
      if (why === 'new' && learned < done) {
        learned = done;
        this.#learn(lines.part(done, done + 1), output.subarray(bytes));
      } else if (why !== 'full' || count === 0) return done;
    }
  }

  #useOf(type: string, field: string): (typeof layout.use)[number] {
    const { is, list } = fieldKinds[type]?.[field] ?? { is: 'other' };
    const converts = Object.values(this.tables[type]?.[field] ?? {});
    if (list) return 'list';
    if (is === 'choice' || converts.includes(lower)) return 'literal';
    if (is === 'address' || relatedTexts.includes(field)) return 'compared';
    return converts.includes(nanoseconds) ? 'duration' : 'copied';
  }

  #clear(): void {
    this.#words.fill(0, at.index, at.arena);
    this.#end = at.arena + 1; // in the index, 0 means none
    this.#count = 0;
  }

  /** Adds the template for a line, whose shape the kernel has written to `shape`. Checks it against `convert`. */
  #learn(line: ScannedLines, shape: Buffer): void {
    const { shapeWords, hash, bytes } = layout.convertRegisters.at;
    const { registers } = line;
    const { event } = line.line(0);
    const words = Array.from({ length: registers[shapeWords] as number }, (_, i) => shape.readUInt32LE(i * 4));
    const template = this.#add((registers[hash] as number) >>> 0, words, this.#piecesOf(event));
    if (line.run('convert', this) === 0) return; // a computed text that only `convert` can make
    const written = line.output.toString('utf8', 0, registers[bytes]);
    if (written !== `${this.#converted(event)}\n`) this.#words[template + layout.template.at.pieces] = 0;
  }

  #converted(event: AnyEvent): string {
    return canonical(this.convert(event, (event as { ts?: string }).ts as string));
  }

  /** Returns the pieces of the template for an event. */
  #piecesOf(event: AnyEvent): Piece[] {
    const { marked, values } = this.#mark(event);
    const text = this.#converted(marked);
    const pieces: Piece[] = [];
    let from = 0;
    for (const { 0: mark, index } of text.matchAll(marks)) {
      const value = values.get(mark);
      if (!value) continue;
      pieces.push({ text: text.slice(from, index), ...value });
      from = index + mark.length;
    }
    return [...pieces, { text: `${text.slice(from)}\n`, op: 'end', of: [0] }];
  }

  /** Returns the event with marks in place of its values, and which value each mark stands for. */
  #mark(event: AnyEvent): { marked: AnyEvent; values: ReadonlyMap<string, Value> } {
    const values = new Map<string, Value>();
    const compared = new Map<unknown, unknown>();
    const marked: Record<string, unknown> = {};
    const numbers: Record<string, number> = {};
    let count = 0;
    for (const [name, value] of Object.entries(event)) {
      const use = this.#useOf(event.type, name);
      const isTime = fieldKinds[event.type]?.[name]?.is === 'time';
      const markIt = (value: unknown) => {
        const number = count++;
        if (use === 'literal' || (use === 'duration' && value === 0)) return value;
        const known = use === 'compared' || use === 'list' ? compared.get(value) : undefined;
        if (known !== undefined) return known;
        const mark = markOf(value, isTime, number);
        values.set(String(mark), { op: 'copy', of: [number] });
        if (use === 'compared' || use === 'list') compared.set(value, mark);
        return mark;
      };
      numbers[name] = count;
      if (Array.isArray(value)) count++; // the kernel counts the list itself too
      marked[name] = Array.isArray(value) ? value.map(markIt) : markIt(value);
    }
    for (const { op, of, text } of this.computed) {
      if (!of.every((name) => name in marked)) continue;
      values.set(String(text(...of.map((name) => marked[name]))), {
        op,
        of: of.map((name) => numbers[name] as number),
      });
    }
    return { marked: marked as AnyEvent, values };
  }

  /** Adds a template. Returns its place in `#words`. */
  #add(hash: number, shape: readonly number[], pieces: readonly Piece[]): number {
    const { template, piece, op, mostComputed } = layout;
    const text = Buffer.from(pieces.map(({ text }) => text).join(''));
    const pieceAt = template.at.shape + shape.length;
    const textAt = pieceAt + (pieces.length * piece.bytes) / 4;
    const words = textAt + Math.ceil(text.length / 4);
    if (this.#end + words + slack > this.#words.length || this.#count === mostTemplates) this.#clear();
    const start = this.#end;
    this.#end += words;
    this.#count++;
    template.write(this.#view, start * 4, {
      hash,
      shapeWords: shape.length,
      pieces: pieces.length,
      bytes: text.length + pieces.length * mostComputed,
      copies: Math.max(...pieces.map(({ of: [a] }) => pieces.filter(({ of }) => of[0] === a).length)),
      shape,
    });
    for (const [i, one] of pieces.entries()) {
      const [a = 0, b = 0] = one.of;
      const values = { length: Buffer.byteLength(one.text), op: op.indexOf(one.op), a, b };
      piece.write(this.#view, (start + pieceAt) * 4 + i * piece.bytes, values);
    }
    new Uint8Array(this.#view.buffer).set(text, this.#view.byteOffset + (start + textAt) * 4);
    let slot = hash >>> (32 - indexBits);
    while (this.#words[at.index + (slot & indexMask)]) slot++;
    this.#words[at.index + (slot & indexMask)] = start - at.arena;
    return start;
  }
}

/** What `markOf` returns, and what is computed from it. */
const marks =
  /7000000\d{3}|14000000\d{3}|2020-02-03T[\d:.]{15}Z|1580702706789\d{6}|240\.0\.1\.\d{3}|fd00::1:\d{4}|\/?[\ue000-\ue07f]/g;

/** Returns a mark for value number `number` of an event: a value of the same type that events hardly have. */
function markOf(value: unknown, isTime: boolean, number: number): unknown {
  if (typeof value === 'number') return 7_000_000_000 + number;
  if (isTime) return `2020-02-03T04:05:06.789${String(number).padStart(3, '0')}Z`;
  const family = isIP(String(value));
  if (family > 0) return family === 4 ? `240.0.1.${100 + number}` : `fd00::1:${1000 + number}`;
  return `/${String.fromCharCode(0xe000 + number)}`;
}
