import { hostname } from 'node:os';
import { natsName, reachOf, reachOptions } from '../schemas/nats/options.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { duration } from '../schemas/pipe/command/units.js';
import { needs } from '../schemas/pipe/messages/errors.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { NatsReceiver, type NatsReceiverOptions } from './nats/receiver.js';
import { Subject } from './nats/subject.js';
import { batchSink, deliveryOptions } from './spool/options.js';

const name = 'sink-nats';
/** Batches in flight at once: the next one is sent while the last acknowledgements of the previous one arrive. */
const concurrency = 2;
/** How long a line waits for others if there is a spool (ms): there, each batch is a file that is synced. */
const spoolTime = 50;

const options = {
  subject: {
    value: 'TEMPLATE',
    parse: subject,
    help: 'The subject of each event (default conn.{host}.{type}). {field} is a field of the event. If it has no host, {host} is this machine.',
  },
  'in-flight': {
    value: 'COUNT',
    parse: integer(1, 100_000),
    help: 'The maximum number of unacknowledged events (default 4096).',
  },
  ...deliveryOptions('are rejected, such as those that no stream accepts'),
  'create-stream': {
    value: 'NAME',
    parse: natsName,
    help: 'Create the stream NAME for the subjects, stored on disk, if it does not exist.',
  },
  replicas: { value: 'COUNT', parse: integer(1, 5), help: 'How many servers store the new stream (default 1).' },
  'max-age': { value: 'TIME', parse: duration, help: 'How long the new stream keeps events (default: forever).' },
  'duplicate-window': {
    value: 'TIME',
    parse: duration,
    help: 'How long the new stream remembers events to detect duplicates (default 2m).',
  },
  ...reachOptions,
} satisfies Options;

function subject(text: string): Subject {
  return new Subject(text, { host: hostname() });
}

function stage({ values, rest: [address = ''] }: Parsed<typeof options>): Stage {
  const { createStream, replicas, maxAge, duplicateWindow } = values;
  for (const [option, value] of Object.entries({ replicas, 'max-age': maxAge, 'duplicate-window': duplicateWindow }))
    if (value !== undefined && !createStream) throw needs(`--${option}`, '--create-stream');
  const reach = reachOf(address, values);
  const where = reach.servers.join(',');
  const options: NatsReceiverOptions = {
    command: name,
    where,
    reach,
    subject: values.subject ?? subject('conn.{host}.{type}'),
    inFlight: values.inFlight ?? 4096,
    stream: createStream
      ? { name: createStream, replicas: replicas ?? 1, maxAge, duplicateWindow: duplicateWindow ?? 120_000 }
      : undefined,
  };
  return batchSink(values, {
    name,
    where,
    batchBytes: 2 ** 20,
    batchLines: 10_000,
    batchTime: values.spool === undefined ? 0 : spoolTime,
    concurrency,
    open: (trouble, rejects, stop) => NatsReceiver.open(options, trouble, rejects, stop),
  });
}

/** Creates the stage for use in a program: `sinkNats({ url: 'nats://…', spool: '/var/spool/synpipe' })`. Throws UsageError on a bad value. */
export function sinkNats(given: Given<typeof options> & { url: string | readonly string[] }): Stage {
  return stage(parseGiven(options, given, ['url']));
}

export const command = defineCommand({
  name,
  summary: 'publishes events to NATS JetStream, and retries until each is stored',
  usage: '[OPTION]… URL[,URL]…',
  examples: [
    ['collector | sink-nats --create-stream CONN nats://nats:4222', 'to subjects such as conn.HOST.outcome'],
    [
      'collector | sink-nats --subject "conn.{host}.{result}" --spool /var/spool/synpipe tls://n1,n2,n3',
      'to a cluster, surviving outages and crashes',
    ],
    ['collector | sink-nats --auth-file /etc/synpipe/host.creds tls://nats', 'with credentials'],
  ],
  args: ['URL'],
  options,
  lenient: true,
  notes: `An event counts as stored once JetStream has acknowledged it. Unacknowledged events are sent again until that succeeds.
Their Nats-Msg-Id stays the same, even after a restart from the spool, so the stream can detect duplicates. The id of an
event with seq comes from its host and line, that of any other event from its position in its batch.

In a subject, any character of a field other than a letter, a digit or one of :+,=@~- becomes "_". An empty or missing
field becomes "-".

Credentials may also be given in the environment variable SYNPIPE_NATS_AUTH. SIGHUP reads the credentials file again, for
the next connection. On SIGTERM, events that are not stored yet stay in the spool; without a spool, sink-nats keeps trying
for --timeout.`,
  stage,
});
