import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { Output, Stage } from '../../schemas/pipe/stage/stage.js';
import type { chosenTypes } from '../filter/types.js';
import { type Field, fieldsText, Key, sayMissed } from './key.js';
import { Seen } from './seen.js';
import { parseTime } from './time.js';

const tsField = new LineField('ts');

/**
 * Passes the first event of each group that was never seen. The state is told of a group once its event was written, so
 * a crash may make an event come twice, but never lets one be missing.
 */
export function newOnly(
  fields: readonly Field[],
  path: string,
  expire: number,
  most: number,
  { types, ends }: ReturnType<typeof chosenTypes>,
  lock: boolean,
  filters: Record<string, unknown>,
): Stage {
  const key = new Key(fields, types);
  const seen = new Seen(path, fieldsText(fields), expire, most, lock, (text) => logMessage('aggregate', text));
  let fresh: Buffer[] = []; // of events that are on their way
  let written: Buffer[] = [];
  const store = async () => {
    const records = written;
    written = fresh; // by the next time they are written
    fresh = [];
    await seen.store(records);
  };
  return {
    name: 'aggregate',
    types,
    ends,
    filters,
    open: () => seen.open(),
    line(line: Line, out: Output) {
      key.read(line);
      const time = line.locate(tsField) ? parseTime(line.raw, line.from + 1) : 0;
      const { isNew, record } = seen.see(key, time);
      if (record) fresh.push(record);
      if (isNew) out.pass(line);
      else out.drop();
    },
    async flush(out) {
      await store();
      if (written.length > 0) out.wake();
    },
    async finish() {
      await store();
      return written.length > 0;
    },
    end() {
      if (key.length > 0) sayMissed('aggregate', key);
      return seen.close();
    },
  };
}
