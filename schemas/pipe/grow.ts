import { native } from './native.js';

interface Addon {
  grow(fd: number, bytes: number): boolean;
}

/** What a pipe may hold that was found full: the most that the kernel lets everyone have. */
const bytes = 1 << 20;

let addon: Addon | undefined;

/**
 * Gives a pipe more room, for both its ends: whoever feeds or reads it goes on for longer before one has to wait for the
 * other. Returns whether it has more now: not where it has that much already, the kernel refuses (a user's pipes may hold
 * so much in all), or this package lacks its native part.
 */
export function grow(fd: number): boolean {
  try {
    addon ??= load();
    return addon.grow(fd, bytes);
  } catch {
    return false;
  }
}

function load(): Addon {
  const module = { exports: {} };
  process.dlopen(module, native('pipe.node'));
  return module.exports as Addon;
}
