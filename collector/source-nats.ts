import { reachOf, reachOptions } from '../schemas/nats/options.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { integer, type Options, type Parsed } from '../schemas/pipe/command/options.js';
import { duration } from '../schemas/pipe/command/units.js';
import type { Source } from '../schemas/pipe/io/source.js';
import { UsageError } from '../schemas/pipe/messages/errors.js';
import { everything, type Stage, select } from '../schemas/pipe/stage/stage.js';
import { from } from './nats/from.js';
import { NatsSource } from './nats/source.js';

const name = 'source-nats';

const options = {
  durable: {
    value: 'NAME',
    parse: word,
    help: 'The consumer (default synpipe): each event goes to one of the workers that use it, and it goes on where it was.',
  },
  from: {
    value: 'all|new|seq:N|time:T',
    parse: from,
    help: "Where a consumer that is new begins: with the stream's first event (default), the next to come, a number in the stream, or a time such as time:2026-11-23T08:00:00Z.",
  },
  subject: {
    value: 'PATTERN',
    parse: pattern,
    help: 'A new consumer takes only these subjects, such as conn.*.outcome.',
  },
  batch: {
    value: 'COUNT',
    parse: integer(1, 10_000),
    help: 'How many events to ask for at once (default 1000). At most twice as many wait to be read.',
  },
  'ack-wait': {
    value: 'TIME',
    parse: duration,
    help: 'What a worker of a new consumer has taken goes to another when it has died, after so long (default 30s).',
  },
  count: {
    short: 'n',
    value: 'COUNT',
    parse: integer(1, Number.MAX_SAFE_INTEGER),
    help: 'End after this many events.',
  },
  idle: { value: 'TIME', parse: duration, help: 'End when no event has come for so long.' },
  ...reachOptions,
} satisfies Options;

function word(text: string): string {
  if (!/^[\w-]{1,200}$/.test(text)) throw new UsageError(`wants letters, digits, "_" and "-", not "${text}"`);
  return text;
}

function pattern(text: string): string {
  if (!/^([^\s.*>]+|\*)(\.([^\s.*>]+|\*))*(\.>)?$|^>$/.test(text))
    throw new UsageError(`wants words, * and a last > with dots between, such as conn.*.outcome, not "${text}"`);
  return text;
}

function source({ values, given, rest: [address = '', stream = ''] }: Parsed<typeof options>): {
  source: Source;
  stage: Stage;
} {
  if (!/^[\w-]{1,255}$/.test(stream)) throw new UsageError(`STREAM wants a stream's name, not "${stream}"`);
  const reach = reachOf(address, values);
  const source = new NatsSource({
    command: name,
    where: reach.servers.join(','),
    reach,
    stream,
    durable: values.durable ?? 'synpipe',
    subject: values.subject,
    from: values.from,
    ackWait: Math.max(values.ackWait ?? 30_000, 100),
    batch: values.batch ?? 1000,
    count: values.count ?? Number.POSITIVE_INFINITY,
    idle: values.idle,
  });
  return { source, stage: select(name, [], everything, given) };
}

export const command = defineCommand({
  name,
  summary: 'takes events from NATS JetStream, shared among all that do, each until it was written',
  usage: '[OPTION]… URL[,URL]… STREAM',
  examples: [
    ['source-nats nats://nats:4222 CONN | enrich | sink-file out.ndjson', 'one worker; start more for more events'],
    ["synpipe run 'source-nats tls://n1,n2,n3 CONN | sink-http --spool spool http://ch:8123'", 'in one process'],
    ['source-nats --durable look --from new -n 10 nats://nats CONN | sink-table', 'the next ten'],
  ],
  args: ['URL', 'STREAM'],
  options,
  notes: `An event is acknowledged when it was written to standard output; with synpipe run, when no stage holds it any more:
sink-file has written it, a sink with a spool has it there, another has delivered it. What was not acknowledged comes
again, so an event may come more than once. What is in a pipe (64 KiB) when its reader dies is acknowledged, and lost.
aggregate and dedupe keep counts in memory: kill -9 loses those.
SIGTERM and SIGINT: what was taken is written or given back, and it ends with 0.
Credentials may also be in the environment, as SYNPIPE_NATS_AUTH.`,
  source,
});
