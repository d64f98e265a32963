import { kinds } from '../../schemas/generated/kinds.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { KernelMemory } from '../../schemas/pipe/scan/scanner.js';
import { WasmScanner } from '../../schemas/pipe/scan/wasm.js';
import { present } from '../../schemas/pipe/scan/webassembly.js';
import type { Body } from './body.js';
import { longestText, recordKind, records, recordsRegisters, recordText } from './records.layout.js';

/** The texts of a record, which is: before, the time in ns, between, the line as a JSON string, after. */
export interface RecordTexts {
  before: string;
  between: string;
  /** What takes the place of `between` for failures and lost events (default: the same). */
  failed?: string;
  after: string;
  /** If given, the event's fields follow as OTLP attributes, and then this text. */
  end?: string;
}

const newline = 10;
const [bytes, lines] = [1 << 18, 1 << 10];
const [ts, ecsTime, error] = [new LineField('ts'), new LineField('@timestamp'), new LineField('error')];
const startOf = (name: string) => `,{"key":${JSON.stringify(name)},"value":{`;
let starts: Buffer | undefined;
/** Returns what `startOf` returns for all fields, one after the other. */
function allStarts(): Buffer {
  starts ??= Buffer.from([...new Set(kinds.flatMap(({ fields }) => fields))].map(startOf).join(''));
  return starts;
}
/** More than the bytes that are written around each value. */
const around = 24;

/** Makes log records of many lines at once. */
export class RecordWriter implements KernelMemory {
  #scanner: WasmScanner | undefined;

  constructor(private readonly texts: RecordTexts) {}

  get bytes(): number {
    return records.bytes + allStarts().length;
  }

  /**
   * Adds the records of lines, in their order. `bodyOf` returns the body for a type. Calls `alone` with each line that is not
   * an event in its usual form, which must then add the record.
   */
  write(all: readonly Buffer[], bodyOf: (type: string) => Body, alone: (line: Buffer) => void): void {
    if (!present) {
      for (const line of all) alone(line);
      return;
    }
    this.#scanner ??= new WasmScanner(bytes, lines);
    for (let from = 0; from < all.length; ) {
      const { to, end } = load(this.#scanner.buffer, all, from);
      if (to === from) alone(all[from++] as Buffer);
      else {
        const scanned = new ScannedLines(this.#scanner, 0, this.#scanner.scan(0, end));
        this.#some(this.#scanner, scanned, bodyOf, (at) => alone(all[from + at] as Buffer));
        from = to;
      }
    }
  }

  use(memory: ArrayBuffer, offset: number): void {
    const view = new DataView(memory, offset, this.bytes);
    const { before, between, failed = between, after, end = '' } = this.texts;
    const texts = { before, between, failed, after, end };
    for (const [name, text] of Object.entries(texts)) {
      if (text.length > longestText) throw new Error(`longer than ${longestText}: ${text}`);
      const values = { length: text.length, bytes: Buffer.from(text) };
      recordText.write(view, records.at[name as keyof typeof texts], values);
    }
    const most = Math.max(...kinds.map(({ fields }) => fields.map(startOf).join('').length + fields.length * around));
    const attributes = Number(this.texts.end !== undefined);
    records.write(view, 0, { attributes, most: most + 5 * longestText });
    for (const [kind, { type, fields }] of kinds.entries()) {
      const time = type === 'otel' ? -1 : ((type === 'ecs' ? ecsTime : ts).places[kind] as number);
      const place = records.at.kinds + kind * recordKind.bytes;
      recordKind.write(view, place, {
        time,
        failed: type === 'lost' ? 0 : (error.places[kind] as number),
        startAt: fields.map((name) => allStarts().indexOf(startOf(name))),
        startLength: fields.map((name) => startOf(name).length),
      });
    }
    allStarts().copy(new Uint8Array(memory, offset), records.at.starts);
  }

  #some(
    scanner: WasmScanner,
    scanned: ScannedLines,
    bodyOf: (type: string) => Body,
    alone: (at: number) => void,
  ): void {
    for (let at = 0; at < scanned.count; ) {
      const rest = scanned.part(at, scanned.count);
      const count = rest.run('records', this);
      if (count === 0) alone(at++);
      else {
        const { type } = kinds[rest.kind(0)] as (typeof kinds)[number];
        bodyOf(type).bytes(scanner.output.subarray(0, scanner.registers[recordsRegisters.at.bytes]));
        at += count;
      }
    }
  }
}

/** Copies lines into a buffer, as many as there is room for. Returns the index of the next line, and where the lines end. */
function load(buffer: Buffer, all: readonly Buffer[], from: number): { to: number; end: number } {
  let to = from;
  let end = 0;
  for (; to < all.length && to - from < lines; to++) {
    const line = all[to] as Buffer;
    if (end + line.length >= buffer.length) break;
    end += line.copy(buffer, end);
    buffer[end++] = newline;
  }
  return { to, end };
}
