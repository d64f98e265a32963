import { kinds } from '../../schemas/generated/kinds.js';
import { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { Selection, Verdicts } from '../../schemas/pipe/stage/select.js';

/** Fields of attempts that enrich adds. An enriched attempt has at least one of these, but which ones depends on the attempt. */
const common = ['name', 'name_source', 'service', 'user', 'unit', 'container'];
const details = ['name_scope', 'name_ambiguous', 'name_age_ms', 'names', 'names_cut', 'dns_latency_us'];
const ofContainers = ['container_name', 'image', 'runtime', 'pod', 'pod_name', 'pod_namespace'];
const optional = { name_verified: '--verify', saddr_name: '--saddr', group: '--with group', host: '--with host' };

/** The command that adds a field, for all fields that only enrich adds to attempts. */
export const addedBy: ReadonlyMap<string, string> = new Map([
  ...[...common, ...details, ...ofContainers].map((field): [string, string] => [field, 'enrich']),
  ...Object.entries(optional).map(([field, option]): [string, string] => [field, `enrich ${option}`]),
]);

/** How many lines it looks at: of each batch, and of those that come one by one before it takes only each 64th. */
const ofBatch = 8;
const atFirst = 1000;

/** Looks for signs of enrich in some of the attempts, until one passes. */
class Sample {
  /** Whether an attempt has passed. */
  passed = false;
  #lines = 0;
  readonly #found = new Set<string>();
  readonly #marks: readonly LineField[];
  readonly #line = new Line();

  constructor(
    private readonly types: readonly string[],
    fields: readonly string[],
  ) {
    this.#marks = [...new Set([...common, ...fields])].map((field) => new LineField(field));
  }

  one(line: Line): void {
    if (!this.types.includes(line.type)) return;
    if (this.#lines++ < atFirst || this.#lines % 64 === 0) this.#look(line);
  }

  many(lines: ScannedLines): void {
    const count = Math.min(lines.known, ofBatch);
    const some = lines.part(0, count, this.#line);
    for (let at = 0; at < count; at++) {
      if (!this.#handles(lines, at)) continue;
      this.#lines++;
      this.#look(some.line(at));
    }
  }

  pass(lines: Line | ScannedLines): void {
    if (lines instanceof Line) this.passed ||= this.types.includes(lines.type);
    else for (let at = 0; at < lines.count && !this.passed; at++) this.passed = this.#handles(lines, at);
  }

  /** Whether there were attempts, and no sign that something added this field. */
  lacks(field: string): boolean {
    const signs = addedBy.get(field) === 'enrich' ? [field, ...common] : [field];
    return this.#lines > 0 && !signs.some((one) => this.#found.has(one));
  }

  #handles(lines: ScannedLines, at: number): boolean {
    return this.types.includes(kinds[lines.kind(at)]?.type ?? '');
  }

  #look(line: Line): void {
    for (const mark of this.#marks) if (line.locate(mark)) this.#found.add(mark.name);
  }
}

/**
 * Returns the stage, which now also logs a message at the end if it passed no attempt because a field is missing that only
 * enrich adds. An event can pass only if it has one field of each list in `needs`.
 */
export function reportNotEnriched(stage: Selection, types: readonly string[], needs: readonly string[][]): Selection {
  const attempts = types.filter((type) => type !== 'dns'); // look-ups have names, and enrich adds nothing to them
  const added = (field: string) => addedBy.has(field) && !(field === 'name' && types.includes('dns'));
  const wanted = needs.filter((fields) => fields.every(added));
  if (wanted.length === 0) return stage;
  const sample = new Sample(attempts, wanted.flat());
  const { batch } = stage;
  /** Watches what passes to `out`. */
  const watch = (out: Verdicts): Verdicts => ({
    pass(lines) {
      sample.pass(lines);
      out.pass(lines);
    },
    drop: (lines) => out.drop(lines),
  });
  return {
    ...stage,
    batch: batch && {
      lines(lines, out) {
        if (sample.passed) return batch.lines(lines, out);
        sample.many(lines);
        return batch.lines(lines, watch(out));
      },
      get hasDroppedDns() {
        return batch.hasDroppedDns;
      },
      saw: (type) => batch.saw(type),
    },
    line(line, out) {
      if (sample.passed) return stage.line(line, out);
      sample.one(line);
      return stage.line(line, watch(out));
    },
    finish() {
      const missing = sample.passed ? undefined : wanted.find((fields) => fields.every((field) => sample.lacks(field)));
      if (missing) {
        const commands = [...new Set(missing.map((field) => addedBy.get(field)))];
        logMessage(
          stage.name,
          `no event had the field ${missing.join(' or ')}; put ${commands.join(' or ')} before filter`,
        );
      }
      return false;
    },
  };
}
