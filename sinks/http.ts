import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, oneOf, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { bytes, duration } from '../schemas/pipe/command/units.js';
import { invalidValue } from '../schemas/pipe/messages/errors.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { Delivery, type HttpOptions } from './http/deliver.js';
import { requestOptions, requestTarget } from './http/options.js';
import { presets, receiverKinds } from './http/presets.js';
import { batchSink, deliveryOptions } from './spool/options.js';

const name = 'sink-http';

const options = {
  preset: {
    value: receiverKinds.join('|'),
    parse: oneOf(...receiverKinds),
    help: 'The kind of receiver, which sets the format and, if URL has no path, the path (default ndjson: plain NDJSON).',
  },
  into: {
    value: 'NAME',
    parse: word,
    help: 'The ClickHouse table or Elasticsearch index (default synpipe).',
  },
  label: { value: 'NAME=VALUE', many: true, parse: label, help: 'Add a label to the Loki streams.' },
  'batch-bytes': { value: 'SIZE', parse: bytes, help: 'Send a batch when it has SIZE bytes (default 1M) …' },
  'batch-lines': { value: 'COUNT', parse: integer(1, 1_000_000), help: '… or COUNT lines (default 10000) …' },
  'batch-time': { value: 'TIME', parse: duration, help: '… or when its first line has waited for TIME (default 1s).' },
  gzip: { help: 'Compress the request bodies.' },
  connections: { value: 'COUNT', parse: integer(1, 64), help: 'How many batches to send at once (default 4).' },
  ...deliveryOptions('the receiver rejects (4xx)'),
  ...requestOptions,
} satisfies Options;

function word(text: string): string {
  if (!/^[\w.-]{1,200}$/.test(text)) throw invalidValue(text, 'use letters, digits, "_", "-" and "."');
  return text;
}

function label(text: string): [string, string] {
  const [, key, value] = /^([a-zA-Z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) throw invalidValue(text, 'use NAME=VALUE');
  return [key, value as string];
}

function stage({ values, rest: [address = ''] }: Parsed<typeof options>): Stage {
  const { into = 'synpipe', label = [] } = values;
  const preset = presets[values.preset ?? 'ndjson']({ into, labels: Object.fromEntries(label) });
  const connections = values.connections ?? 4;
  const target = requestTarget(address, { ...preset, connections }, values);
  const options: HttpOptions = { ...target, preset, gzip: values.gzip ?? false };
  return batchSink(values, {
    name,
    where: target.where,
    batchBytes: values.batchBytes ?? 2 ** 20,
    batchLines: values.batchLines ?? 10_000,
    batchTime: values.batchTime ?? 1_000,
    concurrency: connections,
    open: (trouble, rejects, stop) => Delivery.open(options, trouble, rejects, stop),
  });
}

/** Creates the stage for use in a program: `sinkHttp({ url: 'https://…', spool: '/var/spool/synpipe' })`. Throws UsageError on a bad value. */
export function sinkHttp(given: Given<typeof options> & { url: string }): Stage {
  return stage(parseGiven(options, given, ['url']));
}

export const command = defineCommand({
  name,
  summary: 'sends events to an HTTP server in batches, and retries until each is accepted',
  usage: '[OPTION]… URL',
  examples: [
    ['collector | sink-http --gzip https://logs.example.com/events', 'POST batches of NDJSON'],
    [
      'collector | sink-http --preset clickhouse --into connects --spool /var/spool/synpipe http://ch:8123',
      'to a table, surviving outages and crashes',
    ],
    [
      'collector | sink-http --preset loki --label host=web-1 --auth-file token https://loki.example.com',
      'to Loki, with a token',
    ],
  ],
  args: ['URL'],
  options,
  lenient: true,
  notes: `A batch counts as delivered when a 2xx response was read to its end. After network errors, 408, 425, 429 and 5xx, the
batch is retried until it succeeds, at the time that Retry-After asks for or after a delay that grows to 30 s. A
receiver may get a batch more than once. Each batch has an Idempotency-Key that stays the same at every try, even after
a restart from the spool, so a receiver can recognise duplicates. Batches may arrive out of order.

A token may also be given in the environment variable SYNPIPE_HTTP_TOKEN. HTTP_PROXY (for http://), HTTPS_PROXY (for
https://) and NO_PROXY work as with curl. SIGHUP reads the header and credential files again. On SIGTERM, undelivered
lines stay in the spool; without a spool, sink-http keeps trying for --timeout.`,
  stage,
});
