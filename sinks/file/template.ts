import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { escapeOwnSuffix, safeName } from './safe-name.js';

type Segment = { text: string } | { time: TimeName } | { field: string; own: boolean };
type TimeName = keyof typeof times;

const two = (number: number) => String(number).padStart(2, '0');
const hour = 3_600_000;

/** The strftime directives: how each is written (UTC), the pattern it matches, and how often it changes (ms). */
const times = {
  Y: { write: (d: Date) => String(d.getUTCFullYear()).padStart(4, '0'), pattern: '\\d{4}', every: 24 * hour },
  m: { write: (d: Date) => two(d.getUTCMonth() + 1), pattern: '\\d{2}', every: 24 * hour },
  d: { write: (d: Date) => two(d.getUTCDate()), pattern: '\\d{2}', every: 24 * hour },
  j: { write: dayOfYear, pattern: '\\d{3}', every: 24 * hour },
  H: { write: (d: Date) => two(d.getUTCHours()), pattern: '\\d{2}', every: hour },
  M: { write: (d: Date) => two(d.getUTCMinutes()), pattern: '\\d{2}', every: 60_000 },
  S: { write: (d: Date) => two(d.getUTCSeconds()), pattern: '\\d{2}', every: 1_000 },
  s: { write: (d: Date) => String(Math.floor(d.getTime() / 1000)), pattern: '\\d+', every: 1_000 },
};

function dayOfYear(date: Date): string {
  const first = Date.UTC(date.getUTCFullYear(), 0, 1);
  return String(Math.floor((date.getTime() - first) / (24 * hour)) + 1).padStart(3, '0');
}

/** One component of a path, between two slashes: its fixed text, or the source of a regular expression for its names. */
export type ComponentPattern = { text: string } | { pattern: string };

/** A path with the time (`%Y%m%d-%H`) and fields of events (`{comm}`) in it; `%%`, `{{` and `}}` stand for %, { and }. */
export class Template {
  readonly #components: Segment[][];
  /** The names of the fields in it. */
  readonly fields: string[];
  /** Those of them that are written as `{name}`, not as `{.name}`: they must be in a schema. */
  readonly schemaFields: string[];
  /** How often its time changes (ms); undefined for a template without a time. */
  readonly every: number | undefined;

  /** Throws UsageError for an unknown directive or an invalid field. `suffix` is added to each path. */
  constructor(
    text: string,
    readonly suffix = '',
  ) {
    this.#components = text.split('/').map(parse);
    const segments = this.#components.flat();
    const fields = segments.flatMap((segment) => ('field' in segment ? [segment] : []));
    this.fields = fields.map(({ field }) => field);
    this.schemaFields = fields.flatMap(({ field, own }) => (own ? [] : [field]));
    const changes = segments.flatMap((segment) => ('time' in segment ? [times[segment.time].every] : []));
    this.every = changes.length > 0 ? Math.min(...changes) : undefined;
  }

  /** Returns the path for a time (ms since the epoch) and an event's fields. */
  path(at: number, field: (name: string) => unknown = () => undefined): string {
    const date = new Date(at);
    const written = (segment: Segment) => {
      if ('text' in segment) return segment.text;
      return 'time' in segment ? times[segment.time].write(date) : safeName(field(segment.field));
    };
    const names = this.#components.map((segments) => segments.map(written).join(''));
    const last = this.#components.at(-1) as Segment[];
    if (last.some((segment) => 'field' in segment)) names.push(escapeOwnSuffix(names.pop() as string, tailOf(last)));
    return names.join('/') + this.suffix;
  }

  /** Returns what its paths look like without the suffix, component by component. With `at`, only the paths of that time. */
  patterns(at?: number): ComponentPattern[] {
    const pattern = (segment: Segment) => {
      if ('text' in segment) return segment.text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      if ('field' in segment) return '[^@]+';
      return at === undefined ? times[segment.time].pattern : times[segment.time].write(new Date(at));
    };
    return this.#components.map((segments) =>
      segments.every((segment) => 'text' in segment)
        ? { text: segments.map((segment) => segment.text).join('') }
        : { pattern: segments.map(pattern).join('') },
    );
  }
}

/** Returns the fixed text after the last field. */
function tailOf(segments: readonly Segment[]): string {
  const after = segments.slice(segments.findLastIndex((segment) => 'field' in segment) + 1);
  return after.map((segment) => ('text' in segment ? segment.text : '')).join('');
}

function parse(template: string): Segment[] {
  return [...template.matchAll(/%.?|\{\{|\}\}|\{[^{}]*\}?|\}|[^%{}]+/gs)].map(([found]) => {
    if (found === '%%' || found === '{{' || found === '}}') return { text: found.charAt(0) };
    if (found.startsWith('%')) return { time: timeName(found) };
    const [, dot, field] = /^\{(\.?)(\w+)\}$/.exec(found) ?? [];
    if (field) return { field, own: dot === '.' };
    if (/^[{}]/.test(found)) throw new UsageError(`PATH: "${found}" is not a {field}; write {{ or }} for a brace`);
    return { text: found };
  });
}

function timeName(found: string): TimeName {
  const name = found.slice(1);
  if (Object.hasOwn(times, name)) return name as TimeName;
  const known = Object.keys(times)
    .map((one) => `%${one}`)
    .join(' ');
  throw new UsageError(`PATH: unknown directive "${found}"; use ${known}, or write %% for a percent sign`);
}
