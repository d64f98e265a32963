import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import type { ComponentPattern, Template } from './template.js';

/** A file on disk whose name matches a template. */
export interface FoundFile {
  path: string;
  size: number;
  /** When it was last written (ms since the epoch). */
  modified: number;
}

/** The files on disk that match a template. `closed` and `archived` are sorted oldest first. */
export interface Listing {
  /** Closed files that are not archived. */
  closed: FoundFile[];
  /** Archives of closed files. */
  archived: FoundFile[];
  /** Archives left unfinished by a crash (`.tmp`). */
  unfinished: string[];
}

const archives = ['', '.gz', '.zst', '.parquet'];
const lastName = /^(.*?[^/])(\.[A-Za-z0-9]+)?(\.(?:gz|zst))?$/s;
const ending =
  /^(.*?)(@\d{8}T\d{6}\.\d{3}Z)?(\.(?!(?:gz|zst|parquet|tmp)(?:\.|$))[A-Za-z0-9]+)?(\.(?:gz|zst|parquet))?(\.tmp)?$/s;

/**
 * Returns an unused name for a file that was closed at the time `at` (ms): `out.ndjson` →
 * `out@20261123T081530.123Z.ndjson`. These names sort by time.
 */
export function closedName(path: string, at: number): string {
  for (let time = Math.floor(at); ; time++) {
    const stamp = `@${new Date(time).toISOString().replace(/[-:]/g, '')}`;
    const [, base, extension = '', archive = ''] = lastName.exec(path) ?? [];
    const name = base + stamp + extension;
    if (archives.every((suffix) => !existsSync(name + suffix))) return name + archive;
  }
}

/**
 * Lists the closed files of a template: all that match it, except those that have the current time and no time stamp.
 * A missing folder counts as empty.
 */
export async function listClosed(template: Template, now: number): Promise<Listing> {
  const listing: Listing = { closed: [], archived: [], unfinished: [] };
  const all = template.patterns();
  const current = template.patterns(now).map(expression);
  for await (const { path, names } of walk(all)) {
    const parts = splitName(names.at(-1) as string);
    if (!parts) continue;
    const isCurrent = [...names.slice(0, -1), parts.templateName].every((name, i) => current[i]?.test(name));
    if (isCurrent && !parts.stamp && (parts.archive ?? '') === template.suffix) continue;
    if (parts.unfinished) {
      listing.unfinished.push(path);
      continue;
    }
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) continue;
    const kind = parts.archive ? listing.archived : listing.closed;
    kind.push({ path, size: found.size, modified: found.mtimeMs });
  }
  for (const kind of [listing.closed, listing.archived]) kind.sort(byAge);
  return listing;
}

export function byAge(a: FoundFile, b: FoundFile): number {
  return a.modified - b.modified || (a.path < b.path ? -1 : 1);
}

/** Splits a name into the part that comes from the template and what sink-file added: time stamp, archive suffix, `.tmp`. */
function splitName(name: string) {
  const [, base, stamp, extension = '', archive, unfinished] = ending.exec(name) ?? [];
  if (base === undefined) return undefined;
  if (unfinished && !archive) return undefined;
  return { templateName: base + extension, stamp, archive, unfinished };
}

function expression(component: ComponentPattern): RegExp {
  return 'pattern' in component
    ? new RegExp(`^${component.pattern}$`, 's')
    : new RegExp(`^${quoted(component.text)}$`, 's');
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Yields each existing path that matches the template, with its components. */
async function* walk(
  all: ComponentPattern[],
  folder = '',
  names: string[] = [],
): AsyncGenerator<{ path: string; names: string[] }> {
  const component = all[names.length] as ComponentPattern;
  const last = names.length === all.length - 1;
  if (!last && 'text' in component) {
    yield* walk(all, `${folder + component.text}/`, [...names, component.text]);
    return;
  }
  const wanted = expression(component);
  const entries = await readdir(folder || '.').catch(() => []);
  for (const name of entries) {
    if (!wanted.test(last ? (splitName(name)?.templateName ?? '') : name)) continue;
    const path = folder + name;
    if (last) yield { path, names: [...names, name] };
    else yield* walk(all, `${path}/`, [...names, name]);
  }
}
