import type { Line } from '../../schemas/pipe/line/line.js';
import type { Template } from './template.js';

const most = 10_000;

/** The paths that lines go to, remembered by what their fields are. */
export class Names {
  readonly #known = new Map<string, string>();
  #at = Number.NaN;
  #only = '';

  constructor(private readonly template: Template) {}

  /** The path for a line, in the period that began at `at`. */
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

  /** The path for all lines, where it has no fields. */
  only(at: number): string {
    if (at !== this.#at) this.#only = this.template.path(at);
    this.#at = at;
    return this.#only;
  }
}
