import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, oneOf, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { bytes, duration } from '../schemas/pipe/command/units.js';
import { UsageError } from '../schemas/pipe/messages/errors.js';
import { OutageReporter } from '../schemas/pipe/run/outage-reporter.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { shown } from './http/deliver.js';
import { presets, receiverKinds } from './http/presets.js';
import { proxyFor } from './http/proxy.js';
import { type HttpOptions, httpReceiver } from './http/receiver.js';
import { createSpool, spoolOptions } from './spool/options.js';
import { rejectPolicy } from './spool/reject.js';
import { BatchSink } from './spool/stage.js';
import { MemoryStore } from './spool/store.js';

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
  ...spoolOptions,
  'on-reject': {
    value: 'fail|drop|FILE',
    help: 'What to do with events that the receiver rejects (4xx): exit with an error (default), drop and count them, or append them to FILE with the reason (write ./drop for a file of that name).',
  },
  timeout: {
    value: 'TIME',
    parse: duration,
    help: 'How long to keep trying after the end of input (default 30s). Undelivered lines then stay in the spool; without a spool, the exit code is 1.',
  },
  'request-timeout': { value: 'TIME', parse: duration, help: 'The time limit for one request (default 30s).' },
  'auth-file': { value: 'FILE', help: 'Read a token, user:password, or a complete Authorization value from FILE.' },
  header: { value: 'NAME: VALUE', many: true, help: 'Add a header. For secrets use --header-file.' },
  'header-file': { value: 'FILE', help: 'Read headers from FILE, one per line.' },
  ca: { value: 'FILE', help: 'Trust the CA certificates in FILE (PEM) instead of the default ones.' },
  cert: { value: 'FILE', help: 'The client certificate (PEM). Needs --key.' },
  key: { value: 'FILE', help: 'The key of the client certificate.' },
} satisfies Options;

function word(text: string): string {
  if (!/^[\w.-]{1,200}$/.test(text)) throw new UsageError(`needs letters, digits, "_", "-" and ".", not "${text}"`);
  return text;
}

function label(text: string): [string, string] {
  const [, key, value] = /^([a-zA-Z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) throw new UsageError(`needs NAME=VALUE, not "${text}"`);
  return [key, value as string];
}

function parseUrl(text: string, path: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UsageError(`invalid URL "${text}": use http:// or https://`);
  if (url.username || url.password)
    throw new UsageError('a password in URL is seen by every user of this machine; use --auth-file');
  if (url.pathname === '/') url.pathname = path;
  return url;
}

function stage({ values }: Parsed<typeof options>, address: string): Stage {
  const { into = 'synpipe', label = [] } = values;
  const preset = presets[values.preset ?? 'ndjson']({ into, labels: Object.fromEntries(label) });
  if ((values.cert === undefined) !== (values.key === undefined)) throw new UsageError('--cert and --key go together');
  const connections = values.connections ?? 4;
  const spool = createSpool(name, values);
  const url = parseUrl(address, preset.path);
  const proxy = proxyFor(url);
  const options: HttpOptions = {
    destination: { url, preset, gzip: values.gzip ?? false },
    connection: {
      url,
      proxy,
      tls: { ca: values.ca, cert: values.cert, key: values.key },
      connections,
      timeout: values.requestTimeout ?? 30_000,
    },
    headers: {
      given: values.header ?? [],
      headerFile: values.headerFile,
      authFile: values.authFile,
      scheme: preset.scheme ?? 'Bearer',
    },
  };
  const where = shown(url) + (proxy ? ` through the proxy ${proxy.origin}` : '');
  const trouble = new OutageReporter(name, where);
  return new BatchSink({
    name,
    where,
    store: spool ?? new MemoryStore(2 * connections),
    durable: spool !== undefined,
    rejects: () => rejectPolicy(values.onReject ?? 'fail', name),
    batchBytes: values.batchBytes ?? 2 ** 20,
    batchLines: values.batchLines ?? 10_000,
    batchTime: values.batchTime ?? 1_000,
    concurrency: connections,
    timeout: values.timeout ?? 30_000,
    trouble,
    open: (rejects, stop) => httpReceiver(options, trouble, rejects, stop),
  });
}

/** Returns the stage, for programs: `sinkHttp('https://…', { spool: '/var/spool/synpipe' })`. */
export function sinkHttp(url: string, given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given), url);
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
  notes: `A batch counts as delivered when a 2xx response was read to its end. After network errors, 408, 425, 429 and 5xx, the
batch is retried until it succeeds, at the time that Retry-After asks for or after a delay that grows to 30 s. A
receiver may get a batch more than once. Each batch has an Idempotency-Key that stays the same at every try, even after
a restart from the spool, so a receiver can recognise duplicates. Batches may arrive out of order.
A token may also be given in the environment variable SYNPIPE_HTTP_TOKEN. HTTP_PROXY (for http://), HTTPS_PROXY (for
https://) and NO_PROXY work as with curl. SIGHUP reads the header and credential files again. On SIGTERM, undelivered
lines stay in the spool; without a spool, sink-http keeps trying for --timeout.`,
  stage: (parsed) => stage(parsed, parsed.rest[0] as string),
});
