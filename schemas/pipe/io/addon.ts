import { native } from './native.js';

/** A thread that scans lines. */
export type Helper = object;

export interface Addon {
  grow(fd: number, bytes: number): boolean;
  lock(fd: number): number;
  unlock(fd: number): number;
  open(memory: ArrayBuffer): Helper | undefined;
  offer(helper: Helper, base: number, from: number, to: number, record: number, words: number): void;
  take(helper: Helper): number;
  close(helper: Helper): void;
}

let loaded: Addon | null | undefined;

/** Returns the native addon (native/pipe.c), loaded at the first call; undefined if it is missing or does not load. */
export function addon(): Addon | undefined {
  if (loaded === undefined) loaded = load();
  return loaded ?? undefined;
}

function load(): Addon | null {
  try {
    const module = { exports: {} };
    process.dlopen(module, native('pipe.node'));
    return module.exports as Addon;
  } catch {
    return null;
  }
}
