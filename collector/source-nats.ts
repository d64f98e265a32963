import { natsName, reachOf, reachOptions } from '../schemas/nats/options.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { duration } from '../schemas/pipe/command/units.js';
import type { Source } from '../schemas/pipe/io/source.js';
import { invalidValue, UsageError } from '../schemas/pipe/messages/errors.js';
import { chunksOf } from '../schemas/pipe/run/chunks-of.js';
import { passAll } from '../schemas/pipe/stage/select.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { from } from './nats/from.js';
import { NatsSource } from './nats/source.js';

const name = 'source-nats';

const options = {
  durable: {
    value: 'NAME',
    parse: natsName,
    help: 'The durable consumer (default synpipe). Workers that use the same one share its events; it continues from its last position.',
  },
  from: {
    value: 'all|new|seq:N|time:T',
    parse: from,
    help: "Where a new consumer starts: at the stream's first event (default), at the next new event, at a sequence number, or at a time such as time:2026-11-23T08:00:00Z.",
  },
  subject: {
    value: 'PATTERN',
    parse: pattern,
    help: 'Only these subjects, such as conn.*.outcome (for a new consumer).',
  },
  batch: {
    value: 'COUNT',
    parse: integer(1, 10_000),
    help: 'How many events to request at once (default 1000). It holds at most twice as many in memory.',
  },
  'ack-wait': {
    value: 'TIME',
    parse: duration,
    help: 'If a worker dies, deliver the events it had taken to another one after this time (default 30s, for a new consumer).',
  },
  count: {
    short: 'n',
    value: 'COUNT',
    parse: integer(1, Number.MAX_SAFE_INTEGER),
    help: 'Stop after this many events.',
  },
  idle: { value: 'TIME', parse: duration, help: 'Stop when no event has come for this time.' },
  ...reachOptions,
} satisfies Options;

function pattern(text: string): string {
  if (!/^([^\s.*>]+|\*)(\.([^\s.*>]+|\*))*(\.>)?$|^>$/.test(text))
    throw invalidValue(text, 'use a subject such as conn.*.outcome or conn.>');
  return text;
}

function source({ values, given, rest: [address = '', stream = ''] }: Parsed<typeof options>): {
  source: Source;
  stage: Stage;
} {
  if (!/^[\w-]{1,255}$/.test(stream))
    throw new UsageError(`invalid STREAM "${stream}": use letters, digits, "_" and "-"`);
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
  return { source, stage: passAll(name, given) };
}

/**
 * Creates a source for programs: `pipeline(sourceNats({ url: 'nats://nats:4222', stream: 'CONN', count: 10 }), …)`. An event is
 * acknowledged when the program takes the next chunk. Throws UsageError at once if an option is invalid; the source throws RuntimeError.
 */
export function sourceNats(
  given: Given<typeof options> & { url: string | readonly string[]; stream: string },
): AsyncGenerator<Uint8Array, void> {
  return chunksOf(source(parseGiven(options, given, ['url', 'stream'])));
}

export const command = defineCommand({
  name,
  summary: 'reads events from NATS JetStream, shared among workers; acknowledges each when it is written',
  usage: '[OPTION]… URL[,URL]… STREAM',
  examples: [
    ['source-nats nats://nats:4222 CONN | enrich | sink-file out.ndjson', 'one worker; start more for more events'],
    ["synpipe run 'source-nats tls://n1,n2,n3 CONN | sink-http --spool spool http://ch:8123'", 'in one process'],
    ['source-nats --durable look --from new -n 10 nats://nats CONN | sink-table', 'the next ten'],
  ],
  args: ['URL', 'STREAM'],
  options,
  lenient: true,
  notes: `An event is acknowledged when it has been written to standard output. With synpipe run, it is acknowledged when no stage
holds it any more: sink-file has written it, a sink with a spool has stored it there, another sink has delivered it.
Events that were not acknowledged are delivered again, so an event may come more than once. If the reader of a pipe dies,
the events in the pipe (64 KiB) are already acknowledged, and lost. aggregate and dedupe keep counts in memory, which
kill -9 loses.

On SIGTERM and SIGINT it writes or gives back the events that it has taken, and exits with 0.
Credentials can also be given in the environment variable SYNPIPE_NATS_AUTH.`,
  source,
});
