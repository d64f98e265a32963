import { defineCommand } from '../schemas/pipe/command/command.js';
import { everything, type Stage, select } from '../schemas/pipe/stage/stage.js';

/** The stage for programs: passes what is valid, as every stage does, and does nothing else. */
export function validate(): Stage {
  return select('validate', [], everything, {});
}

export const command = defineCommand({
  name: 'validate',
  summary: 'passes valid events and reports the others',
  usage: '[OPTION]…',
  examples: [
    ['validate < events.ndjson > /dev/null', 'which lines of a file are bad?'],
    ['validate --on-invalid bad.ndjson < events.ndjson > good.ndjson', 'sort them apart'],
  ],
  options: {},
  stage: validate,
});
