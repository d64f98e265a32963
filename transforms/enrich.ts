import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { options, settingsOf } from './enrich/options.js';
import { createStage } from './enrich/setup.js';

const stage = ({ values, given }: Parsed<typeof options>): Stage => createStage(settingsOf(values), given);

export const command = defineCommand({
  name: 'enrich',
  summary: 'adds the names of addresses, services, users and containers to attempts',
  usage: '[OPTION]…',
  examples: [
    ['sudo collector | enrich | sink-table', 'add names by reverse look-up, users and containers'],
    ['sudo collector --dns | enrich --offline', 'add the names that processes looked up, and send no queries'],
    ['enrich --with names --wait 5s events.ndjson', 'wait longer, so that all events of a file get a name'],
    [
      'collector | enrich --resolver 192.0.2.53 --map nets.csv',
      'use your own DNS server and your own list of networks',
    ],
  ],
  options,
  notes: `A name comes from a dns event if possible (name_source dns), else from the hosts file (hosts), else from a reverse
look-up (ptr). name_scope says who looked up the name of a dns event: the thread that connects, its process, its cgroup, its
network namespace, or another process of the host. name_ambiguous marks a guess; names lists the candidates. enrich does not
change fields that an event already has. Users, groups, units and containers are those of this machine: for events of
another machine, use --with names,service.`,
  stage,
});

/** Creates the stage for use in a program: `enrich({ resolver: '192.0.2.53', wait: 100 })`. Throws UsageError on a bad value. */
export function enrich(given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given));
}
