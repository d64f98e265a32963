import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { cause, RuntimeError, remedy } from '../messages/errors.js';

/**
 * Starts a process. Rejects with RuntimeError if that fails. Listens to `error` for good: Node emits it if a process cannot be
 * started or a signal cannot be sent, and without a listener that ends the whole program.
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

/** Returns the exit status that a shell would give for how a process has ended: 128 plus the signal's number if one killed it. */
export const exitStatus = (code: number | null, signal: NodeJS.Signals) => code ?? 128 + constants.signals[signal];

export function cannotStart(file: string, error: unknown): RuntimeError {
  return new RuntimeError(`cannot start ${file}: ${cause(error)}; ${remedy(error)}`);
}
