import { performance } from 'node:perf_hooks';
import { attemptTypes } from '../schemas/attempts.js';
import { kinds } from '../schemas/generated/kinds.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { nearestField } from '../schemas/pipe/command/nearest.js';
import { type Given, integer, list, type Options, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { duration } from '../schemas/pipe/command/units.js';
import type { Line } from '../schemas/pipe/line/line.js';
import { conflict, invalidValue, needs, UsageError } from '../schemas/pipe/messages/errors.js';
import { metricsAt, openMetrics } from '../schemas/pipe/metrics/metrics.js';
import { expose, type Metric, metric } from '../schemas/pipe/metrics/text.js';
import type { ScannedLines } from '../schemas/pipe/scan/scanned-lines.js';
import type { Batch, Control, Observe, Output, Stage, Traits } from '../schemas/pipe/stage/stage.js';
import { requestOptions, requestTarget } from './http/options.js';
import { Counts } from './metrics/counts.js';
import { type Family, familiesOf } from './metrics/families.js';
import { otherText } from './metrics/group.js';
import { otlp } from './metrics/otlp.js';
import { labelOf, prometheus } from './metrics/prometheus.js';
import { Push } from './metrics/push.js';

const name = 'sink-metrics';
const defaultBy = ['pcomm', 'dest', 'dport'];
const defaultGroups = 100;
/** Labels that the metrics have themselves. */
const ownLabels = ['result', 'error', 'drop_reason', 'closed_by', 'stage', 'where', 'le', 'file'];
const fieldNames = [
  ...new Set(kinds.flatMap(({ type, fields }) => ([...attemptTypes, 'dns'].includes(type) ? fields : []))),
  'dest',
].filter((one) => !ownLabels.includes(one));

/** The options for a receiver of OTLP. */
const ofUrl = {
  every: { value: 'TIME', parse: duration, help: 'How often to send to URL (default 15s).' },
  timeout: {
    value: 'TIME',
    parse: duration,
    help: 'How long to keep trying to send the last numbers to URL at the end of input (default 30s). If that fails, the exit code is 1.',
  },
  ...requestOptions,
} satisfies Options;

const options = {
  by: {
    value: 'FIELDS',
    parse: fieldsIn,
    words: fieldNames,
    help: `Group by these fields, which become labels: a list (default ${defaultBy}). dest is the name of the destination, or its address if it has no name. Write .team for a field of your own.`,
  },
  'max-groups': {
    value: 'N',
    parse: integer(1, 10_000),
    help: `Give at most N groups their own series (default ${defaultGroups}). Events of other groups count in one whose labels are "${otherText}".`,
  },
  tee: { help: 'Also pass the lines on, for use in the middle of a pipeline.' },
  ...ofUrl,
} satisfies Options;

function fieldsIn(text: string): string[] {
  const names = list(fieldName)(text);
  const labels = names.map(labelOf);
  const twice = labels.find((label, at) => labels.indexOf(label) < at);
  if (twice) throw invalidValue(text, `name ${twice} only once`);
  return names;
}

function fieldName(text: string): string {
  const name = text.replace(/^\./, '');
  const label = labelOf(name);
  if (ownLabels.includes(label)) throw invalidValue(text, 'the metrics have this label already; leave it out');
  if (!/^(?!__)[a-z_]/i.test(label)) throw invalidValue(text, 'use fields such as pcomm, dest or .team');
  if (text.startsWith('.') || fieldNames.includes(name)) return name;
  throw invalidValue(text, `${nearestField(name, fieldNames) ?? ''} Write .${name} for a field of your own`.trim());
}

/** Publishes the numbers until it is closed. */
interface Publisher extends Control {
  /** The input has ended: publishes the last numbers. */
  finish?(out: Output): void | Promise<void>;
  close?(): Promise<void>;
}

/** Starts to publish what `read` returns. `failed` is called if that becomes impossible. */
type Publish = (read: () => Family[], failed: (error: unknown) => void) => Publisher | Promise<Publisher>;

/** Counts events, and publishes the counts as metrics. */
class SinkMetrics implements Stage {
  readonly name = name;
  readonly traits: Traits;
  readonly batch: Batch = { lines: (lines, out) => this.#lines(lines, out) };
  readonly observe: Observe = { metrics: () => this.#metrics() };
  readonly control: Control;
  readonly #counts: Counts;
  #publisher: Publisher = {};
  #failure: unknown;

  constructor(
    names: readonly string[],
    most: number,
    private readonly tee: boolean,
    private readonly publish: Publish,
    /** How long the publisher may need to stop (ms); undefined if it need not be asked. */
    stop: number | undefined,
  ) {
    this.traits = { sink: !tee };
    this.#counts = new Counts(names, most);
    this.control = {
      skipped: (count) => this.#counts.addLost(name, 'invalid', count),
      ...(stop !== undefined && { stop: () => stop, reopen: () => this.#publisher.reopen?.() }),
    };
  }

  async open(out: Output): Promise<void> {
    const read = () => familiesOf(this.#counts, performance.now());
    this.#publisher = await this.publish(read, (error) => {
      this.#failure = error;
      out.wake();
    });
  }

  line(line: Line, out: Output): void {
    const counts = this.#counts.add(line, performance.now());
    if (this.tee) out.pass(line);
    else if (counts) out.stored(1);
    else out.drop();
  }

  #lines(scanned: ScannedLines, out: Output): number {
    const { known } = scanned;
    const now = performance.now();
    let counted = 0;
    for (let at = 0; at < known; at++) if (this.#counts.add(scanned.line(at), now)) counted++;
    if (this.tee) out.pass(scanned.part(0, known));
    else {
      out.stored(counted);
      out.drop(known - counted);
    }
    return known;
  }

  flush(): void {
    if (this.#failure) throw this.#failure;
  }

  async finish(out: Output): Promise<undefined> {
    await this.#publisher.finish?.(out);
  }

  async close(): Promise<void> {
    await this.#publisher.close?.();
  }

  #metrics(): Metric[] {
    const groups = 'Groups that have their own series.';
    return [metric('synpipe_metrics_groups', 'gauge', groups, this.#counts.groups.size)];
  }
}

function stage({ values, given, rest: [target = ''] }: Parsed<typeof options>): Stage {
  const { by = defaultBy, maxGroups = defaultGroups, tee = false, every = 15_000, timeout = 30_000 } = values;
  const make = (publish: Publish, stop?: number) => new SinkMetrics(by, maxGroups, tee, publish, stop);
  if (/^https?:/.test(target)) {
    const to = requestTarget(target, { path: '/v1/metrics', connections: 1 }, values);
    const since = Date.now();
    return make((read, failed) => {
      const body = () => {
        const families = read();
        return families.length > 0 ? otlp(families, by, since, Date.now()) : undefined;
      };
      return Push.open({ name, target: to, every, timeout, body, failed });
    }, timeout);
  }
  const wrong = Object.keys(given).find((option) => Object.hasOwn(ofUrl, option));
  if (wrong) throw needs(`--${wrong}`, 'a URL as TARGET');
  if (target === '-') {
    if (tee) throw conflict('-', '--tee', { reason: 'both write to standard output' });
    return make((read) => ({ finish: (out) => print(out, expose(prometheus(read(), by))) }));
  }
  const at = metricsAt(target);
  if (!at) throw new UsageError(`invalid TARGET "${target}": use ADDRESS:PORT, PORT, FILE.prom, a URL or -`);
  return make((read) => openMetrics(at, name, () => prometheus(read(), by), { announce: true }));
}

function print(out: Output, text: string): void {
  if (text) out.write(text.trimEnd());
}

/** Creates the stage for use in a program: `sinkMetrics({ target: '127.0.0.1:9466', by: 'dest' })`. Throws UsageError on a bad value. */
export function sinkMetrics(given: Given<typeof options> & { target: string }): Stage {
  return stage(parseGiven(options, given, ['target']));
}

export const command = defineCommand({
  name,
  summary: 'counts events, and publishes the counts as metrics for Prometheus and OpenTelemetry',
  usage: '[OPTION]… TARGET',
  examples: [
    ['collector | sink-metrics 9466', 'serve metrics at http://127.0.0.1:9466/metrics'],
    [
      'collector --dns --report outcome,closed | enrich | sink-metrics --by pcomm,dest 0.0.0.0:9466',
      'with names, failed look-ups, and the bytes of connections',
    ],
    [
      'collector | sink-metrics /var/lib/prometheus/node-exporter/connections.prom',
      "for node_exporter's textfile collector",
    ],
    ['collector | sink-metrics https://otel.example.com:4318', 'send them to an OpenTelemetry Collector'],
    ['sink-metrics --input events.ndjson -', 'print the metrics of a recording'],
  ],
  args: ['TARGET'],
  options,
  lenient: true,
  instead: {
    listen: 'write ADDRESS:PORT as TARGET',
    port: 'write PORT as TARGET',
    otlp: 'write the URL as TARGET',
    top: 'use --max-groups N',
    label: 'use --by FIELDS',
  },
  notes: `TARGET says where the metrics go:
  ADDRESS:PORT  served at /metrics until the input ends; PORT alone means 127.0.0.1
  FILE.prom     written to this file for node_exporter's textfile collector, every 15 s and at the end
  URL           sent to this receiver of OTLP, at /v1/metrics if URL has no path
  -             printed at the end

The first --max-groups groups get their own series. When another one comes, it takes the place of the group that has
had no event for longest, if that is more than 10 minutes; until then it counts in "${otherText}". No counter ever
decreases. A group that has lost its place starts at 0 if it comes back.

Labels are values from the events, and no token is required: on an address other than loopback, anyone who can reach it
can read them. A token for URL may also be given in SYNPIPE_HTTP_TOKEN. HTTP_PROXY, HTTPS_PROXY and NO_PROXY work as with
curl.`,
  stage,
});
