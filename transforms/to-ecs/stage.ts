import type { AnyEvent } from '../../schemas/pipe/line/line.js';
import type { Stage } from '../../schemas/pipe/stage/stage.js';

/**
 * A stage that makes another event of each. One that has no time of its own (`lost`) gets that of the event before it,
 * the clock's where it is the first.
 */
export function converter(
  name: string,
  types: readonly string[],
  convert: (event: AnyEvent, ts: string) => AnyEvent,
): Stage {
  let before: string | undefined;
  return {
    name,
    types,
    line(line, out) {
      const event = line.exact;
      const { ts } = event as { ts?: string };
      before = ts ?? before ?? new Date().toISOString().replace('Z', '000Z');
      out.event(convert(event, before));
    },
  };
}
