import { defineCommand } from '../schemas/pipe/command/command.js';
import { everything, type Stage, select } from '../schemas/pipe/stage/stage.js';

/** Creates the stage for use in a program. It passes valid events, as every stage does, and does nothing else. */
export function validate(): Stage {
  return select('validate', [], everything, {});
}

export const command = defineCommand({
  name: 'validate',
  summary: 'passes valid events and reports invalid ones',
  usage: '[OPTION]…',
  examples: [
    ['validate < events.ndjson > /dev/null', 'find the invalid lines of a file'],
    ['validate --on-invalid bad.ndjson < events.ndjson > good.ndjson', 'separate valid and invalid lines'],
  ],
  options: {},
  stage: validate,
});
