import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { plainName } from './text.js';

/** The fields that the files give. */
export interface ContainerNames {
  container_name?: string;
  image?: string;
  pod_name?: string;
  pod_namespace?: string;
}

type Denied = (path: string) => void;

const mostBytes = 16 << 20;
const mostLogs = 100_000;
const pauseMs = 1_000;
/** `POD_NAMESPACE_CONTAINER-ID.log`, a link: none of the names has an underscore. */
const logName = /^([^_]+)_([^_]+)_([^_]+)-([0-9a-f]{64})\.log$/;

/** Runs a read of the file system. Returns undefined if that fails; a file that may not be read is reported. */
function attempt<T>(path: string, denied: Denied, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') denied(path);
    return undefined;
  }
}

/** Reads a regular file of bounded size as JSON. Throws what goes wrong. */
function readJson(path: string): unknown {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > mostBytes) return undefined;
    const bytes = Buffer.allocUnsafe(stat.size);
    return JSON.parse(bytes.toString('utf8', 0, readSync(fd, bytes)));
  } finally {
    closeSync(fd);
  }
}

/** A field of what may be anything. */
const at = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** The names as fields; what is no name, or an empty one, is left out. */
function fields(names: { [K in keyof ContainerNames]: unknown }): ContainerNames {
  const texts = Object.entries(names).flatMap(([key, value]) => {
    const name = typeof value === 'string' ? plainName(value) : '';
    return name === '' ? [] : [[key, name]];
  });
  return Object.fromEntries(texts);
}

/** Returns what Docker's own file of a container says: `ID/config.v2.json` below `folder`. */
export function dockerNames(folder: string, id: string, denied: Denied): ContainerNames | undefined {
  const config = attempt(folder, denied, () => readJson(join(folder, id, 'config.v2.json')));
  if (config === undefined) return undefined;
  const name = at(config, 'Name');
  const container_name = typeof name === 'string' ? name.replace(/^\//, '') : undefined;
  return fields({ container_name, image: at(at(config, 'Config'), 'Image') });
}

/** What Podman and CRI-O keep: `DRIVER-containers/containers.json` in their storage. */
export class StorageNames {
  #names: ReadonlyMap<string, ContainerNames> = new Map();
  #seen = '';
  #next = Number.NEGATIVE_INFINITY;

  constructor(private readonly folder: string) {}

  of(id: string, now: number, denied: Denied): ContainerNames | undefined {
    if (!this.#names.has(id) && now >= this.#next) {
      this.#next = now + pauseMs;
      attempt(this.folder, denied, () => this.#read());
    }
    return this.#names.get(id);
  }

  #read(): void {
    const folders = readdirSync(this.folder).filter((name) => name.endsWith('-containers'));
    const files = folders.flatMap((name) => {
      const path = join(this.folder, name, 'containers.json');
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
      return stat ? [{ path, seen: `${stat.ino} ${stat.size} ${stat.mtimeNs}` }] : [];
    });
    const seen = files.map((file) => file.seen).join();
    if (seen === this.#seen) return;
    const all = files.map(({ path }) => readJson(path)).flatMap((list) => (Array.isArray(list) ? list : []));
    this.#names = new Map(all.map((one) => [String(at(one, 'id')), storageNames(one)]));
    this.#seen = seen;
  }
}

/** One entry of containers.json; its metadata is JSON of the runtime's own. */
function storageNames(container: unknown): ContainerNames {
  const names = at(container, 'names');
  let metadata: unknown;
  try {
    metadata = JSON.parse(String(at(container, 'metadata')));
  } catch {} // another runtime's
  return fields({
    container_name: Array.isArray(names) ? names[0] : at(metadata, 'name'),
    image: at(metadata, 'image-name'),
  });
}

/** What the kubelet calls the links to its containers' logs. */
export class KubeletNames {
  #names: ReadonlyMap<string, ContainerNames> = new Map();
  #next = Number.NEGATIVE_INFINITY;

  constructor(private readonly folder: string) {}

  of(id: string, now: number, denied: Denied): ContainerNames | undefined {
    if (!this.#names.has(id) && now >= this.#next) {
      this.#next = now + pauseMs;
      const logs = attempt(this.folder, denied, () => readdirSync(this.folder)) ?? [];
      this.#names = new Map(logs.slice(0, mostLogs).flatMap(logNames));
    }
    return this.#names.get(id);
  }
}

function logNames(file: string): [string, ContainerNames][] {
  const [, pod_name, pod_namespace, container_name, id] = logName.exec(file) ?? [];
  return id === undefined ? [] : [[id, fields({ container_name, pod_name, pod_namespace })]];
}
