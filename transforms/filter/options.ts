import type { Options } from '../../schemas/pipe/command/options.js';
import { where } from '../../schemas/where/where.js';
import { criteria, opposites } from './criteria.js';
import { typeOptions, workableTypes } from './types.js';

export const options = {
  ...typeOptions,
  ...criteria,
  failed: {
    help: 'Outcomes other than established; connect events with an error; look-ups that failed, except those that a search list makes normal.',
  },
  pending: { help: 'Attempts that still wait: pending events.' },
  ...opposites,
  'not-failed': { help: 'The opposite of --failed.' },
  'not-pending': { help: 'The opposite of --pending.' },
  'exclude-loopback': { help: 'No attempts to 127.0.0.0/8 and ::1.' },
  'exclude-private': { help: 'No attempts to RFC 1918, unique local and link-local addresses.' },
  where: {
    value: 'EXPRESSION',
    parse: valid,
    many: true,
    help: "An expression over the event's fields, see below.",
  },
  invert: { short: 'v', help: 'Pass what would be held back, and hold back what would pass.' },
} satisfies Options;

/** Throws ExpressionError unless the text is an expression for some of the types. */
function valid(text: string): string {
  where(text, workableTypes);
  return text;
}
