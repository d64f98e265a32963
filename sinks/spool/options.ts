import type { Options, Values } from '../../schemas/pipe/command/options.js';
import { bytes } from '../../schemas/pipe/command/units.js';
import { noLock } from '../../schemas/pipe/io/lock.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { Spool } from './spool.js';

export const spoolOptions = {
  spool: {
    value: 'DIR',
    help: 'Store lines in this folder until they are delivered, so that they survive outages and crashes. kill -9 loses at most the contents of the pipe and one read.',
  },
  'spool-size': {
    value: 'SIZE',
    parse: bytes,
    help: 'The maximum size of DIR (default 1G). When it is reached, the input waits.',
  },
  'no-lock': noLock,
} satisfies Options;

/** Returns the spool that the options ask for, if any. Throws UsageError. */
export function createSpool(
  stage: string,
  { spool, spoolSize, noLock }: Values<typeof spoolOptions>,
): Spool | undefined {
  if (spool === undefined && noLock) throw new UsageError('--no-lock needs --spool; add it, or leave out --no-lock');
  return spool ? new Spool({ stage, folder: spool, most: spoolSize ?? 2 ** 30, lock: !noLock }) : undefined;
}
