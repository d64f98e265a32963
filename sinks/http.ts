import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, oneOf, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { bytes, duration } from '../schemas/pipe/command/units.js';
import { UsageError } from '../schemas/pipe/messages/errors.js';
import { OutageReporter } from '../schemas/pipe/run/outage-reporter.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { shown } from './http/deliver.js';
import { presets, receiverKinds } from './http/presets.js';
import { proxyFor } from './http/proxy.js';
import { httpReceiver, type Way } from './http/receiver.js';
import { spoolOf, spoolOptions } from './spool/options.js';
import { onReject } from './spool/reject.js';
import { BatchSink } from './spool/stage.js';
import { Memory } from './spool/store.js';

const name = 'sink-http';

const options = {
  preset: {
    value: receiverKinds.join('|'),
    parse: oneOf(...receiverKinds),
    help: 'What receives: its path, where URL has none, and the form it wants. Without: NDJSON, as it is.',
  },
  into: {
    value: 'NAME',
    parse: word,
    help: 'The table of clickhouse, or the index of elasticsearch (default synpipe).',
  },
  label: { value: 'NAME=VALUE', many: true, parse: label, help: 'Another label of the streams of loki.' },
  'batch-bytes': { value: 'SIZE', parse: bytes, help: 'Send when there are so many bytes (default 1M) …' },
  'batch-lines': { value: 'COUNT', parse: integer(1, 1_000_000), help: '… or so many lines (default 10000) …' },
  'batch-time': { value: 'TIME', parse: duration, help: '… or the first line has waited so long (default 1s).' },
  gzip: { help: 'Compress what is sent.' },
  connections: { value: 'COUNT', parse: integer(1, 64), help: 'How many batches are under way at once (default 4).' },
  ...spoolOptions,
  'on-reject': {
    value: 'fail|drop|FILE',
    help: 'What becomes of events that the receiver refuses for good (4xx): end (default), drop them (they are counted), or append them to FILE with the reason (./drop is a FILE).',
  },
  timeout: {
    value: 'TIME',
    parse: duration,
    help: 'At the end of input, go on trying so long (default 30s). What is left then stays in the spool; without one, the exit code is 1.',
  },
  'request-timeout': { value: 'TIME', parse: duration, help: 'The most that one request may take (default 30s).' },
  'auth-file': { value: 'FILE', help: 'FILE holds a token, user:password, or a whole value of Authorization.' },
  header: { value: 'NAME: VALUE', many: true, help: 'Another header; for what is secret see --header-file.' },
  'header-file': { value: 'FILE', help: 'FILE holds a header on each line.' },
  ca: { value: 'FILE', help: "Trust this CA's certificates (PEM) instead of the usual ones." },
  cert: { value: 'FILE', help: "The client's certificate (PEM), with --key." },
  key: { value: 'FILE', help: 'Its key.' },
} satisfies Options;

function word(text: string): string {
  if (!/^[\w.-]{1,200}$/.test(text)) throw new UsageError(`wants letters, digits, "_", "-" and ".", not "${text}"`);
  return text;
}

function label(text: string): [string, string] {
  const [, key, value] = /^([a-zA-Z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) throw new UsageError(`wants NAME=VALUE, not "${text}"`);
  return [key, value as string];
}

function parseUrl(text: string, path: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UsageError(`URL wants http:// or https://, not "${text}"`);
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
  const spool = spoolOf(name, values);
  const url = parseUrl(address, preset.path);
  const proxy = proxyFor(url);
  const way: Way = {
    destination: { url, preset, gzip: values.gzip ?? false },
    reach: {
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
    store: spool ?? new Memory(2 * connections),
    durable: spool !== undefined,
    rejects: () => onReject(values.onReject ?? 'fail', name),
    batchBytes: values.batchBytes ?? 2 ** 20,
    batchLines: values.batchLines ?? 10_000,
    batchTime: values.batchTime ?? 1_000,
    atOnce: connections,
    timeout: values.timeout ?? 30_000,
    trouble,
    open: (rejects, stop) => httpReceiver(way, trouble, rejects, stop),
  });
}

/** The stage for programs: `sinkHttp('https://…', { spool: '/var/spool/synpipe' })`. */
export function sinkHttp(url: string, given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given), url);
}

export const command = defineCommand({
  name,
  summary: 'sends events to an HTTP server, in batches, until it has taken each',
  usage: '[OPTION]… URL',
  examples: [
    ['collector | sink-http --gzip https://logs.example.com/events', 'POST batches of NDJSON'],
    [
      'collector | sink-http --preset clickhouse --into connects --spool /var/spool/synpipe http://ch:8123',
      'into a table, through outages and crashes',
    ],
    [
      'collector | sink-http --preset loki --label host=web-1 --auth-file token https://loki.example.com',
      'to Loki, with a token',
    ],
  ],
  args: ['URL'],
  options,
  notes: `A batch counts as delivered when an answer of 2xx was read to its end. What fails on the way, 408, 425, 429 and 5xx
are tried again, as Retry-After says or after a time that grows to 30 s, until it works. Every batch has an
Idempotency-Key, which stays the same for all its tries, also after a restart from the spool: a receiver may get a batch
more than once, and knows it by that. Batches may arrive in another order.
A token may also be in the environment, as SYNPIPE_HTTP_TOKEN. HTTP_PROXY (for http://), HTTPS_PROXY (for https://) and
NO_PROXY work as with curl. SIGHUP reads the files of headers and credentials again. SIGTERM: what is not delivered stays in the spool; without one, it goes
on for --timeout.`,
  stage: (parsed) => stage(parsed, parsed.rest[0] as string),
});
