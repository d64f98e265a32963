import { attemptTypes } from '../../schemas/attempts.js';
import { list, type Options, oneOf, type Values } from '../../schemas/pipe/command/options.js';
import { conflict } from '../../schemas/pipe/messages/errors.js';

/** The event types that filter, dedupe and aggregate can work on. All other events pass unchanged. */
export const workableTypes: readonly string[] = [...attemptTypes, 'dns'];

/** The options that choose from the workable types. */
export const typeOptions = {
  type: {
    value: 'TYPES',
    parse: list(oneOf(...workableTypes)),
    words: workableTypes,
    help: 'Event types to work on: a list of connect, outcome, pending, closed, open, dns (default all but dns). Events of these types that are not listed are dropped.',
  },
  'keep-dns': { help: 'Pass dns events unchanged, for a later enrich.' },
} satisfies Options;

/** Returns the types that a stage works on, and the types that it drops. Throws UsageError. */
export function chosenTypes({ type: types = [...attemptTypes], keepDns }: Values<typeof typeOptions>) {
  if (keepDns && types.includes('dns'))
    throw conflict('--keep-dns', '--type dns', { remedy: 'leave out --keep-dns to work on dns events' });
  const drops = workableTypes.filter((type) => !types.includes(type) && !(keepDns && type === 'dns'));
  return { types, drops };
}
