import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cause, RuntimeError, remedy } from '../messages/errors.js';

/**
 * Starts a process. Rejects with RuntimeError if it cannot be started: Node reports that, and a signal that cannot be
 * sent, as an event that ends the whole program unless somebody listens.
 */
export async function spawned(file: string, args: readonly string[], options: SpawnOptions): Promise<ChildProcess> {
  try {
    const child = spawn(file, args, options).on('error', () => {});
    await once(child, 'spawn');
    return child;
  } catch (error) {
    throw cannotStart(file, error);
  }
}

export function cannotStart(file: string, error: unknown): RuntimeError {
  return new RuntimeError(`cannot start ${file}: ${cause(error)}; ${remedy(error)}`);
}
