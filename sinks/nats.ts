import { hostname } from 'node:os';
import { reachOf, reachOptions } from '../schemas/nats/options.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { duration } from '../schemas/pipe/command/units.js';
import { UsageError } from '../schemas/pipe/messages/errors.js';
import { OutageReporter } from '../schemas/pipe/run/outage-reporter.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { NatsReceiver, type Way } from './nats/receiver.js';
import { Subject } from './nats/subject.js';
import { spoolOf, spoolOptions } from './spool/options.js';
import { onReject } from './spool/reject.js';
import { BatchSink } from './spool/stage.js';
import { Memory } from './spool/store.js';

const name = 'sink-nats';
/** So many batches are under way at once: the next is sent while the last words on one are awaited. */
const atOnce = 2;

const options = {
  subject: {
    value: 'TEMPLATE',
    parse: subject,
    help: "Each event's subject (default conn.{host}.{type}). {field} is the event's; without one, {host} is this machine.",
  },
  'in-flight': {
    value: 'COUNT',
    parse: integer(1, 100_000),
    help: 'How many events are on their way at once, not acknowledged yet (default 4096).',
  },
  ...spoolOptions,
  'on-reject': {
    value: 'fail|drop|FILE',
    help: 'What becomes of events that are refused for good, such as those that no stream takes: end (default), drop them (they are counted), or append them to FILE with the reason (./drop is a FILE).',
  },
  timeout: {
    value: 'TIME',
    parse: duration,
    help: 'At the end of input, go on trying so long (default 30s). What is left then stays in the spool; without one, the exit code is 1.',
  },
  'create-stream': {
    value: 'NAME',
    parse: streamName,
    help: 'Create this stream for the subjects, on disk, where there is none of that name.',
  },
  replicas: { value: 'COUNT', parse: integer(1, 5), help: 'On so many servers (default 1).' },
  'max-age': { value: 'TIME', parse: duration, help: 'The stream keeps events so long (default: for ever).' },
  'duplicate-window': {
    value: 'TIME',
    parse: duration,
    help: 'The stream knows an event again for so long (default 2m).',
  },
  ...reachOptions,
} satisfies Options;

function subject(text: string): Subject {
  return new Subject(text, { host: hostname() });
}

function streamName(text: string): string {
  if (!/^[\w-]{1,200}$/.test(text)) throw new UsageError(`wants letters, digits, "_" and "-", not "${text}"`);
  return text;
}

function stage({ values }: Parsed<typeof options>, address: string): Stage {
  const { createStream, replicas, maxAge, duplicateWindow } = values;
  for (const [option, value] of Object.entries({ replicas, 'max-age': maxAge, 'duplicate-window': duplicateWindow }))
    if (value !== undefined && !createStream) throw new UsageError(`--${option} goes with --create-stream`);
  const reach = reachOf(address, values);
  const where = reach.servers.join(',');
  const trouble = new OutageReporter(name, where);
  const spool = spoolOf(name, values);
  const way: Way = {
    command: name,
    where,
    reach,
    subject: values.subject ?? subject('conn.{host}.{type}'),
    inFlight: values.inFlight ?? 4096,
    stream: createStream
      ? { name: createStream, replicas: replicas ?? 1, maxAge, duplicateWindow: duplicateWindow ?? 120_000 }
      : undefined,
  };
  return new BatchSink({
    name,
    where,
    store: spool ?? new Memory(2 * atOnce),
    durable: spool !== undefined,
    rejects: () => onReject(values.onReject ?? 'fail', name),
    batchBytes: 2 ** 20,
    batchLines: 10_000,
    batchTime: 0,
    atOnce,
    timeout: values.timeout ?? 30_000,
    trouble,
    open: (rejects, stop) => NatsReceiver.open(way, trouble, rejects, stop),
  });
}

/** The stage for programs: `sinkNats('nats://…', { spool: '/var/spool/synpipe' })`. */
export function sinkNats(url: string, given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given), url);
}

export const command = defineCommand({
  name,
  summary: 'publishes events to NATS JetStream, until it has stored each',
  usage: '[OPTION]… URL[,URL]…',
  examples: [
    ['collector | sink-nats --create-stream CONN nats://nats:4222', 'publish to conn.HOST.connect'],
    [
      'collector | sink-nats --subject "conn.{host}.{result}" --spool /var/spool/synpipe tls://n1,n2,n3',
      'to a cluster, through outages and crashes',
    ],
    ['collector | sink-nats --auth-file /etc/synpipe/host.creds tls://nats', 'with credentials'],
  ],
  args: ['URL'],
  options,
  notes: `An event counts as stored when JetStream has acknowledged it. What is not acknowledged is sent again, until it works,
with the same Nats-Msg-Id, by which the stream knows it again: an event with seq by its host and line, another by its
place in its batch, also after a restart from the spool.
In a subject, what is no letter, digit or one of :+,=@~- is "_", and an empty or missing field "-".
Credentials may also be in the environment, as SYNPIPE_NATS_AUTH. SIGHUP reads the file anew, for the next connection.
SIGTERM: what is not stored stays in the spool; without one, it goes on for --timeout.`,
  stage: (parsed) => stage(parsed, parsed.rest[0] as string),
});
