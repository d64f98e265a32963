import { fstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { glob } from '../../where/pattern.js';
import { RuntimeError } from '../messages/errors.js';

/** Names that a pattern skips: sink-file's unfinished archives, and what it cut off a file after a crash. */
const unfinished = /\.(tmp|torn)$/;
const archive = /\.(gz|zst)$/;

/** Returns the names of the files to read. Expands patterns (`*`, `?`, `[…]`). Throws RuntimeError if one matches no file. */
export function expandNames(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    if (!/[*?[]/.test(name) || statOf(name)) return [name];
    const found = distinct(matches(name).filter((path) => !unfinished.test(path)));
    if (found.length === 0) throw new RuntimeError(`no file matches ${name}; check the path`);
    return found;
  });
}

/** Returns the information about a file; undefined if it cannot be had, which opening the file will report. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** Returns the paths that match a pattern, sorted. `*` does not match a dot at the start of a name. */
function matches(pattern: string): string[] {
  let found = [pattern.startsWith('/') ? '/' : ''];
  for (const part of pattern.split('/').filter(Boolean)) {
    const matches = /[*?[]/.test(part) ? glob(part) : undefined;
    found = found.flatMap((folder) =>
      matches
        ? entries(folder || '.')
            .filter((entry) => matches(entry) && (part.startsWith('.') || !entry.startsWith('.')))
            .map((entry) => `${folder}${entry}/`)
        : [`${folder}${part}/`],
    );
  }
  return found.map((path) => path.slice(0, -1)).filter((path) => statOf(path)?.isFile());
}

/** Returns the names in a folder, sorted; none if it cannot be read. */
export function entries(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Leaves out second names of a file (links), and archives of files that are still there. */
function distinct(paths: readonly string[]): string[] {
  const seen = new Set<string>();
  return paths.filter((path) => {
    const stat = statOf(path);
    const id = `${stat?.dev}:${stat?.ino}`;
    if (seen.has(id) || (archive.test(path) && paths.includes(path.replace(archive, '')))) return false;
    seen.add(id);
    return true;
  });
}

/** A file as a part of a recording: which one, and its place in it. */
interface Part {
  name: string;
  recording: string;
  /** When it ended, if its name has a time: these texts sort by time. For out.ndjson.1, -1. Without this, it is the last part. */
  at: string | number | undefined;
}

/** Splits a name as sink-file (out@TIME.ndjson, out-%Y%m%d.ndjson) and logrotate (out.ndjson.1, out.ndjson-20261128) make it. */
function partOf(name: string): Part {
  const plain = name.replace(archive, '');
  const [, base, at, extension = ''] =
    /^(.*)@(\d{8}T\d{6}\.\d{3}Z)(\.[A-Za-z0-9]+)?$/s.exec(plain) ??
    /^(.*)-(\d{8}(?:[-T]?\d{2,6})?)(\.[A-Za-z0-9]+)?$/s.exec(plain) ??
    [];
  if (base !== undefined) return { name, recording: base + extension, at };
  const [, rest, number] = /^(.*)\.(\d{1,6})$/s.exec(plain) ?? [];
  if (rest !== undefined) return { name, recording: rest, at: -Number(number) };
  return { name, recording: plain, at: undefined };
}

/** Returns the name of a part without its archive's suffix if it has a time, which no other part gets; else undefined. */
export function timedPart(name: string): string | undefined {
  return typeof partOf(name).at === 'string' ? name.replace(archive, '') : undefined;
}

function byPlace({ at: a }: Part, { at: b }: Part): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return a === undefined ? 1 : -1;
  return a < b ? -1 : 1;
}

/** Returns those of a folder's names that are older parts of the recording `name`, oldest first. */
export function olderParts(name: string, names: readonly string[]): string[] {
  const { recording } = partOf(name);
  const all = new Set(names);
  return names
    .filter((one) => one !== name && !unfinished.test(one) && !(archive.test(one) && all.has(one.replace(archive, ''))))
    .map(partOf)
    .filter((part) => part.recording === recording && part.at !== undefined)
    .sort(byPlace)
    .map((part) => part.name);
}

/** Returns a pattern for the older parts of a recording, such as `out@*` for out.ndjson; undefined without older parts. */
export function patternOf(path: string): string | undefined {
  const name = basename(path);
  const newest = olderParts(name, entries(dirname(path))).at(-1);
  if (newest === undefined) return undefined;
  const base = name.replace(archive, '').replace(/\.[A-Za-z0-9]+$/, '');
  const mark = newest.charAt(base.length);
  return path.slice(0, path.length - name.length) + (mark === '.' ? `${name}.*` : `${base}${mark}*`);
}

/**
 * Sorts files by time: the parts of one recording by their names, and different recordings by the time of the first event in
 * each part, which `firstTime` returns. What is not a regular file, such as standard input, keeps its place.
 */
export async function inOrder(
  names: readonly string[],
  firstTime: (name: string) => Promise<string | undefined>,
): Promise<string[]> {
  const ordered: string[] = [];
  let files: string[] = [];
  for (const name of [...names, undefined]) {
    if (name !== undefined && statOf(name)?.isFile()) {
      files.push(name);
      continue;
    }
    ordered.push(...(await sorted(files, firstTime)));
    if (name !== undefined) ordered.push(name);
    files = [];
  }
  return ordered;
}

async function sorted(names: readonly string[], firstTime: (name: string) => Promise<string | undefined>) {
  if (names.length < 2) return names;
  const recordings = new Map<string, Part[]>();
  for (const part of names.map(partOf))
    recordings.set(part.recording, [...(recordings.get(part.recording) ?? []), part]);
  const parts: { name: string; time: string }[] = [];
  for (const recording of recordings.values()) {
    let time = '';
    for (const { name } of recording.sort(byPlace)) {
      const first = recordings.size > 1 ? await firstTime(name) : undefined;
      if (first !== undefined && first > time) time = first;
      parts.push({ name, time });
    }
  }
  return parts.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)).map(({ name }) => name);
}

/** Returns what a descriptor is; undefined if that cannot be found out. */
export function statOfFd(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined; // the next read reports the error
  }
}
