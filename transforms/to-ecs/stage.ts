import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { longestLine, unknownKind } from '../../schemas/pipe/scan/record.layout.js';
import { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import { WasmScanner } from '../../schemas/pipe/scan/wasm.js';
import { present } from '../../schemas/pipe/scan/webassembly.js';
import type { Output, Stage } from '../../schemas/pipe/stage/stage.js';
import type { Computed } from './derived.js';
import type { Table } from './mapping.js';
import { type ConvertEvent, Templates } from './templates.js';

const newline = 10;
const tsField = new LineField('ts');

/**
 * Creates a stage that converts each event. `convert` gets the event's time as `ts`. For an event without a time (`lost`),
 * that is the time of the event before it, or the current time if it is the first event.
 *
 * @param tables the target fields that `convert` uses, for each type
 * @param computed the texts that `convert` computes from fields
 */
export function converter(
  name: string,
  tables: Readonly<Record<string, Table>>,
  computed: readonly Computed[],
  convert: ConvertEvent,
): Stage {
  const types = Object.keys(tables);
  const timed = types.filter((type) => type !== 'lost');
  const newTemplates = () => new Templates(timed, tables, computed, convert);
  const templates = newTemplates();
  let lone: LoneLines | undefined;
  let before: string | undefined;
  return {
    name,
    types,
    batch: {
      kernelBytes: Templates.bytes,
      lines(lines: ScannedLines, out: Output) {
        const count = templates.lines(lines, out);
        if (count > 0) before = lines.line(count - 1).text(tsField);
        return count;
      },
    },
    line(line, out) {
      before = line.text(tsField) ?? before ?? new Date().toISOString().replace('Z', '000Z');
      if (present && line.kind !== unknownKind) {
        lone ??= new LoneLines(newTemplates());
        if (lone.convert(line, out)) return;
      }
      out.write(convert(line.exact, before));
    },
  };
}

/** Converts single lines by templates: those that come from another stage in the same process. */
class LoneLines {
  readonly #scanner = new WasmScanner(longestLine + 1, 1, 0, Templates.bytes);
  readonly #lines = new ScannedLines(this.#scanner, 0, 1);

  constructor(private readonly templates: Templates) {}

  /** Returns whether the line is converted. */
  convert({ buffer, start, end }: Line, out: Output): boolean {
    const scanned = this.#scanner.buffer;
    if (end - start > longestLine) return false;
    buffer.copy(scanned, 0, start, end);
    scanned[end - start] = newline;
    this.#scanner.scan(0, end - start + 1);
    return this.templates.lines(this.#lines, out) === 1;
  }
}
