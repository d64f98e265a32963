import type { AnyEvent } from '../../schemas/pipe/line/line.js';
import type { Stage } from '../../schemas/pipe/stage/stage.js';

/**
 * Creates a stage that converts each event. `convert` gets the event's time as `ts`. For an event without a time (`lost`),
 * that is the time of the event before it, or the current time if it is the first event.
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
      out.write(convert(event, before));
    },
  };
}
