import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { basename, dirname } from 'node:path';
import { RuntimeError } from '../../schemas/pipe/errors.js';

/**
 * Holds a file's path for this process, until it is closed or the process ends, by an abstract socket: nothing is left
 * behind, whatever ends it. Throws RuntimeError where another process of this machine (this network namespace) has it.
 */
export async function hold(path: string): Promise<Server> {
  const place = `${await realpath(dirname(path))}/${basename(path)}`;
  const held = createServer((socket) => socket.destroy()).unref();
  try {
    await once(held.listen(`\0synpipe-state-${createHash('sha256').update(place).digest('hex')}`), 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new RuntimeError(`the state ${path} is in use by another process; give each its own`);
  }
  return held;
}
