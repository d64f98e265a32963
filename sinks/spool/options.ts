import type { Options, Values } from '../../schemas/pipe/command/options.js';
import { bytes } from '../../schemas/pipe/command/units.js';
import { noLock } from '../../schemas/pipe/io/lock.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { Spool } from './spool.js';

export const spoolOptions = {
  spool: {
    value: 'DIR',
    help: 'Keep lines in this folder until they are delivered, through outages and crashes. kill -9 loses at most what is in the pipe and one read of it.',
  },
  'spool-size': { value: 'SIZE', parse: bytes, help: 'The most that DIR holds; then the input waits (default 1G).' },
  'no-lock': noLock,
} satisfies Options;

/** The spool that a command line asks for. Throws UsageError. */
export function spoolOf(stage: string, { spool, spoolSize, noLock }: Values<typeof spoolOptions>): Spool | undefined {
  if (spool === undefined && noLock) throw new UsageError('--no-lock goes with --spool');
  return spool ? new Spool({ stage, folder: spool, most: spoolSize ?? 2 ** 30, lock: !noLock }) : undefined;
}
