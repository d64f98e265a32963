import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { Output, Stage } from '../../schemas/pipe/stage/stage.js';
import type { chosenTypes } from '../filter/types.js';
import { fieldsText, type GroupField, Key, reportUnknownField } from './key.js';
import { SeenGroups } from './seen-groups.js';
import { parseTime } from './time.js';

const tsField = new LineField('ts');

/**
 * Passes the first event of each group that was never seen before. A group is stored only after its event has been written,
 * so after a crash an event may come twice, but none is missing.
 */
export function newOnly(
  fields: readonly GroupField[],
  path: string,
  expire: number,
  most: number,
  { types, drops }: ReturnType<typeof chosenTypes>,
  lock: boolean,
  options: Record<string, unknown>,
): Stage {
  const key = new Key(fields, types);
  const seen = new SeenGroups(path, fieldsText(fields), expire, most, lock, (text) => logMessage('aggregate', text));
  let fresh: Buffer[] = []; // records of events that are not written yet
  let written: Buffer[] = [];
  const store = async () => {
    const records = written;
    written = fresh; // these events are written before the next call
    fresh = [];
    await seen.store(records);
  };
  return {
    name: 'aggregate',
    types,
    traits: { drops, options },
    open: () => seen.open(),
    line(line: Line, out: Output) {
      key.read(line);
      const time = line.locate(tsField) ? parseTime(line.raw, line.from + 1) : 0;
      const { isNew, record } = seen.add(key, time);
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
    close() {
      if (key.length > 0) reportUnknownField('aggregate', key);
      return seen.close();
    },
  };
}
