import type { Line } from '../../schemas/pipe/line/line.js';
import type { Template } from './template.js';

const most = 10_000;

/** Returns the path for each line; caches the paths by the values of the template's fields. */
export class PathCache {
  readonly #known = new Map<string, string>();
  #at = Number.NaN;
  #only = '';

  constructor(private readonly template: Template) {}

  /** Returns the path for a line in the period that started at `at`. */
  of(line: Line, at: number): string {
    const { fields } = this.template;
    if (fields.length === 0) return this.only(at);
    if (at !== this.#at) {
      this.#known.clear();
      this.#at = at;
    }
    const key = fields.map((name) => String(line.field(name))).join('\0');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= most) this.#known.clear();
    const path = this.template.path(at, (name) => line.field(name));
    this.#known.set(key, path);
    return path;
  }

  /** Returns the path for all lines of that period. Only for a template without fields. */
  only(at: number): string {
    if (at !== this.#at) this.#only = this.template.path(at);
    this.#at = at;
    return this.#only;
  }
}
