import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { plainName } from './text.js';

/** The fields that the files provide. */
export interface ContainerNames {
  container_name?: string;
  image?: string;
  pod_name?: string;
  pod_namespace?: string;
}

type Denied = (path: string) => void;

const maxBytes = 16 << 20;
const maxLogs = 100_000;
const pauseMs = 1_000;
/** The name of a link to a log: `POD_NAMESPACE_CONTAINER-ID.log`. The names have no underscores. */
const logName = /^([^_]+)_([^_]+)_([^_]+)-([0-9a-f]{64})\.log$/;

/** Runs `read`. Returns undefined if it fails, and calls `denied` if permission was denied. */
function tryRead<T>(path: string, denied: Denied, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') denied(path);
    return undefined;
  }
}

/** Reads a regular file as JSON, if it is not too large. Throws the errors of reading and parsing. */
function readJson(path: string): unknown {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > maxBytes) return undefined;
    const bytes = Buffer.allocUnsafe(stat.size);
    return JSON.parse(bytes.toString('utf8', 0, readSync(fd, bytes)));
  } finally {
    closeSync(fd);
  }
}

/** Returns a field of a value that may be anything. */
const at = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** Returns the names as fields, without empty names and values that are not text. */
function fields(names: { [K in keyof ContainerNames]: unknown }): ContainerNames {
  const texts = Object.entries(names).flatMap(([key, value]) => {
    const name = typeof value === 'string' ? plainName(value) : '';
    return name === '' ? [] : [[key, name]];
  });
  return Object.fromEntries(texts);
}

/** Reads the names from Docker's file about a container: `ID/config.v2.json` below `folder`. */
export function dockerNames(folder: string, id: string, denied: Denied): ContainerNames | undefined {
  const config = tryRead(folder, denied, () => readJson(join(folder, id, 'config.v2.json')));
  if (config === undefined) return undefined;
  const name = at(config, 'Name');
  const container_name = typeof name === 'string' ? name.replace(/^\//, '') : undefined;
  return fields({ container_name, image: at(at(config, 'Config'), 'Image') });
}

/** Names by container, from the files in a folder. They are read again for an unknown container, at most once a second. */
export class NamesInFolder {
  #names: ReadonlyMap<string, ContainerNames> = new Map();
  #next = Number.NEGATIVE_INFINITY;

  /** @param read returns the names; undefined if they have not changed */
  constructor(
    private readonly folder: string,
    private readonly read: () => ReadonlyMap<string, ContainerNames> | undefined,
  ) {}

  of(id: string, now: number, denied: Denied): ContainerNames | undefined {
    if (!this.#names.has(id) && now >= this.#next) {
      this.#next = now + pauseMs;
      this.#names = tryRead(this.folder, denied, this.read) ?? this.#names;
    }
    return this.#names.get(id);
  }
}

/** Returns the names that Podman and CRI-O keep in their storage: `DRIVER-containers/containers.json`. */
export function inStorage(folder: string): NamesInFolder {
  let before = '';
  return new NamesInFolder(folder, () => {
    const folders = readdirSync(folder).filter((name) => name.endsWith('-containers'));
    const files = folders.flatMap((name) => {
      const path = join(folder, name, 'containers.json');
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
      return stat ? [{ path, seen: `${stat.ino} ${stat.size} ${stat.mtimeNs}` }] : [];
    });
    const seen = files.map((file) => file.seen).join();
    if (seen === before) return undefined;
    const all = files.map(({ path }) => readJson(path)).flatMap((list) => (Array.isArray(list) ? list : []));
    before = seen;
    return new Map(all.map((one) => [String(at(one, 'id')), storageNames(one)]));
  });
}

/** Reads one entry of containers.json. Its metadata is JSON in a format of the runtime. */
function storageNames(container: unknown): ContainerNames {
  const names = at(container, 'names');
  let metadata: unknown;
  try {
    metadata = JSON.parse(String(at(container, 'metadata')));
  } catch {} // the metadata of another runtime
  return fields({
    container_name: Array.isArray(names) ? names[0] : at(metadata, 'name'),
    image: at(metadata, 'image-name'),
  });
}

/** Returns the names that are part of the file names of the kubelet's links to container logs. */
export const inLogs = (folder: string): NamesInFolder =>
  new NamesInFolder(folder, () => new Map(readdirSync(folder).slice(0, maxLogs).flatMap(logNames)));

function logNames(file: string): [string, ContainerNames][] {
  const [, pod_name, pod_namespace, container_name, id] = logName.exec(file) ?? [];
  return id === undefined ? [] : [[id, fields({ container_name, pod_name, pod_namespace })]];
}
