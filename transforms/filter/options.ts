import type { Options } from '../../schemas/pipe/command/options.js';
import { where } from '../../schemas/where/where.js';
import { criteria, negations } from './criteria.js';
import { typeOptions, workableTypes } from './types.js';

export const options = {
  ...typeOptions,
  ...criteria,
  failed: {
    help: 'Outcomes other than established, connect events with an error, and failed look-ups, except those that are normal with a DNS search list.',
  },
  pending: { help: 'Attempts that have not ended: pending events.' },
  ...negations,
  'not-failed': { help: 'The opposite of --failed.' },
  'not-pending': { help: 'The opposite of --pending.' },
  'exclude-loopback': { help: 'No attempts to 127.0.0.0/8 and ::1.' },
  'exclude-private': { help: 'No attempts to RFC 1918, unique local and link-local addresses.' },
  where: {
    value: 'EXPRESSION',
    parse: valid,
    many: true,
    help: "An expression over the event's fields. See below.",
  },
  invert: { short: 'v', help: 'Invert the selection: pass the events that do not match.' },
} satisfies Options;

/** Throws ExpressionError unless the text is a valid expression for at least one of the types. */
function valid(text: string): string {
  where(text, workableTypes);
  return text;
}
