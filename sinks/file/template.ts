import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { notOwn, safeName } from './name.js';

type Part = { text: string } | { time: TimeName } | { field: string };
type TimeName = keyof typeof times;

const two = (number: number) => String(number).padStart(2, '0');
const hour = 3_600_000;

/** The strftime directives: how each is written (UTC), what it looks like, and after how many ms it changes. */
const times = {
  Y: { write: (d: Date) => String(d.getUTCFullYear()).padStart(4, '0'), looks: '\\d{4}', every: 24 * hour },
  m: { write: (d: Date) => two(d.getUTCMonth() + 1), looks: '\\d{2}', every: 24 * hour },
  d: { write: (d: Date) => two(d.getUTCDate()), looks: '\\d{2}', every: 24 * hour },
  j: { write: dayOfYear, looks: '\\d{3}', every: 24 * hour },
  H: { write: (d: Date) => two(d.getUTCHours()), looks: '\\d{2}', every: hour },
  M: { write: (d: Date) => two(d.getUTCMinutes()), looks: '\\d{2}', every: 60_000 },
  S: { write: (d: Date) => two(d.getUTCSeconds()), looks: '\\d{2}', every: 1_000 },
  s: { write: (d: Date) => String(Math.floor(d.getTime() / 1000)), looks: '\\d+', every: 1_000 },
};

function dayOfYear(date: Date): string {
  const first = Date.UTC(date.getUTCFullYear(), 0, 1);
  return String(Math.floor((date.getTime() - first) / (24 * hour)) + 1).padStart(3, '0');
}

/** One component of a path, between two slashes: its text where that is fixed, else what its names look like. */
export type Looks = { text: string } | { pattern: string };

/** A path with time (`%Y%m%d-%H`) and fields of events (`{comm}`) in it; `%%`, `{{` and `}}` stand for %, { and }. */
export class Template {
  readonly #components: Part[][];
  /** The fields in it. */
  readonly fields: string[];
  /** After how many milliseconds its time parts change; undefined where it has none. */
  readonly every: number | undefined;

  /** Throws UsageError for a directive that it does not know. */
  constructor(text: string) {
    this.#components = text.split('/').map(parse);
    const parts = this.#components.flat();
    this.fields = parts.flatMap((part) => ('field' in part ? [part.field] : []));
    const changes = parts.flatMap((part) => ('time' in part ? [times[part.time].every] : []));
    this.every = changes.length > 0 ? Math.min(...changes) : undefined;
  }

  /** The path for a time (ms since the epoch) and an event's fields. */
  path(at: number, field: (name: string) => unknown = () => undefined): string {
    const date = new Date(at);
    const written = (part: Part) => {
      if ('text' in part) return part.text;
      return 'time' in part ? times[part.time].write(date) : safeName(field(part.field));
    };
    const names = this.#components.map((parts) => parts.map(written).join(''));
    const last = this.#components.at(-1) as Part[];
    if (last.some((part) => 'field' in part)) names.push(notOwn(names.pop() as string, tailOf(last)));
    return names.join('/');
  }

  /** What its paths look like, by component; with `at`, only those of that time. */
  looks(at?: number): Looks[] {
    const pattern = (part: Part) => {
      if ('text' in part) return part.text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      if ('field' in part) return '[^@]+';
      return at === undefined ? times[part.time].looks : times[part.time].write(new Date(at));
    };
    return this.#components.map((parts) =>
      parts.every((part) => 'text' in part)
        ? { text: parts.map((part) => part.text).join('') }
        : { pattern: parts.map(pattern).join('') },
    );
  }
}

/** The text behind the last field. */
function tailOf(parts: readonly Part[]): string {
  const after = parts.slice(parts.findLastIndex((part) => 'field' in part) + 1);
  return after.map((part) => ('text' in part ? part.text : '')).join('');
}

function parse(template: string): Part[] {
  return [...template.matchAll(/%.?|\{\{|\}\}|\{[^{}]*\}?|\}|[^%{}]+/gs)].map(([found]) => {
    if (found === '%%' || found === '{{' || found === '}}') return { text: found.charAt(0) };
    if (found.startsWith('%')) return { time: timeName(found) };
    if (/^\{\w+\}$/.test(found)) return { field: found.slice(1, -1) };
    if (/^[{}]/.test(found)) throw new UsageError(`PATH: "${found}" is no {field}; write {{ or }} for a brace`);
    return { text: found };
  });
}

function timeName(found: string): TimeName {
  const name = found.slice(1);
  if (Object.hasOwn(times, name)) return name as TimeName;
  const known = Object.keys(times)
    .map((one) => `%${one}`)
    .join(' ');
  throw new UsageError(`PATH: "${found}" is none of ${known}; write %% for a percent sign`);
}
