import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import type { Looks, Template } from './template.js';

/** A file that a template names, as found on the disk. */
export interface Found {
  path: string;
  size: number;
  /** When it was last written, in ms since the epoch. */
  modified: number;
}

/** What a template's files are, each oldest first. */
export interface Listing {
  /** Closed, and still as they were written. */
  closed: Found[];
  /** Closed and archived. */
  archived: Found[];
  /** Archives that a crash left unfinished. */
  unfinished: string[];
}

const archives = ['', '.gz', '.zst', '.parquet'];
const ending =
  /^(.*?)(@\d{8}T\d{6}\.\d{3}Z)?(\.(?!(?:gz|zst|parquet|tmp)(?:\.|$))[A-Za-z0-9]+)?(\.(?:gz|zst|parquet))?(\.tmp)?$/s;

/**
 * A free name for a file that is closed at a time (ms): `out.ndjson` → `out@20261123T081530.123Z.ndjson`. Such names sort
 * by time.
 */
export function closedName(path: string, at: number): string {
  for (let time = Math.floor(at); ; time++) {
    const stamp = `@${new Date(time).toISOString().replace(/[-:]/g, '')}`;
    const name = path.replace(/(?<=[^/])(\.[A-Za-z0-9]+)?$/, (extension) => stamp + extension);
    if (archives.every((suffix) => !existsSync(name + suffix))) return name;
  }
}

/**
 * Lists what is closed of a template's files: all but those of the current time without a stamp. Folders that are
 * missing hold none.
 */
export async function listClosed(template: Template, now: number): Promise<Listing> {
  const listing: Listing = { closed: [], archived: [], unfinished: [] };
  const all = template.looks();
  const current = template.looks(now).map(expression);
  for await (const { path, names } of walk(all)) {
    const parts = apart(names.at(-1) as string);
    if (!parts) continue;
    const isCurrent = [...names.slice(0, -1), parts.own].every((name, i) => current[i]?.test(name));
    if (isCurrent && !parts.stamp && !parts.archive) continue;
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

export function byAge(a: Found, b: Found): number {
  return a.modified - b.modified || (a.path < b.path ? -1 : 1);
}

/** A name without what sink-file adds to it, and what that was. */
function apart(name: string) {
  const [, base, stamp, extension = '', archive, unfinished] = ending.exec(name) ?? [];
  if (base === undefined) return undefined;
  if (unfinished && !archive) return undefined;
  return { own: base + extension, stamp, archive, unfinished };
}

function expression(looks: Looks): RegExp {
  return 'pattern' in looks ? new RegExp(`^${looks.pattern}$`, 's') : new RegExp(`^${quoted(looks.text)}$`, 's');
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Every path that may be the template's, with its components. */
async function* walk(
  all: Looks[],
  folder = '',
  names: string[] = [],
): AsyncGenerator<{ path: string; names: string[] }> {
  const looks = all[names.length] as Looks;
  const last = names.length === all.length - 1;
  if (!last && 'text' in looks) {
    yield* walk(all, `${folder + looks.text}/`, [...names, looks.text]);
    return;
  }
  const wanted = expression(looks);
  const entries = await readdir(folder || '.').catch(() => []);
  for (const name of entries) {
    if (!wanted.test(last ? (apart(name)?.own ?? '') : name)) continue;
    const path = folder + name;
    if (last) yield { path, names: [...names, name] };
    else yield* walk(all, `${path}/`, [...names, name]);
  }
}
