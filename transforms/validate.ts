import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, type Options, parseGiven } from '../schemas/pipe/command/options.js';
import { passAll } from '../schemas/pipe/stage/select.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';

const options = {} satisfies Options;

const stage = () => passAll('validate');

/** Creates the stage for use in a program. It passes valid events, as every stage does, and does nothing else. */
export function validate(given: Given<typeof options> = {}): Stage {
  parseGiven(options, given);
  return stage();
}

export const command = defineCommand({
  name: 'validate',
  summary: 'passes valid events and reports invalid ones',
  usage: '[OPTION]…',
  examples: [
    ['validate events.ndjson > /dev/null', 'find the invalid lines of a file'],
    ['validate --on-invalid bad.ndjson events.ndjson > good.ndjson', 'separate valid and invalid lines'],
  ],
  options,
  stage,
});
