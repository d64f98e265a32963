import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, ndjson } from '../../support/events.js';
import { folder } from '../../support/process.js';
import { lint, prometheus, samples, server, serving } from '../../support/prometheus.js';
import { root, shell } from '../../support/shell.js';
import { traffic } from './traffic.js';

const dashboard = JSON.parse(readFileSync(join(root, 'sinks/metrics/dashboard.json'), 'utf8'));
const rules = join(root, 'sinks/metrics/rules.yml');

/** Replaces what Grafana replaces in a query. */
const filled = (query: string) =>
  query.replace(/\$__rate_interval|\$__range/g, '1m').replace(/\$(instance|pcomm)/g, '.*');

test('Prometheus scrapes all metrics, and every query of the dashboard finds series', async (t) => {
  const { child, url, scrape } = await serving(t, ['sink-metrics', '0']);
  const ask = await prometheus(t, { targets: [url], rules: [rules] });
  const seen = async (query: string, value: string) => {
    for (;;) {
      const [time, found] = (await ask(query))?.[0]?.value ?? [];
      if (found === value) return time;
      await sleep(20);
    }
  };
  child.stdin?.write(ndjson(...traffic));
  await seen('sum(synpipe_attempts_total)', '7');
  lint(await scrape());
  child.stdin?.write(ndjson(...traffic));
  const then = await seen('sum(synpipe_attempts_total)', '14'); // a later scrape may fail

  const group = 'pcomm="curl",dest="www.example.com",dport="443"';
  for (const [query, value] of Object.entries({
    [`synpipe_attempts_total{${group},result="established"}`]: 8,
    [`synpipe_attempts_total{${group},result="timeout",error="ETIMEDOUT"}`]: 2,
    'synpipe_attempts_total{pcomm="we\\"ird\\\\\\n\\r\\u0007 é",result="refused"}': 2,
    [`synpipe_connect_latency_seconds_count{${group}}`]: 8,
    [`synpipe_connect_latency_seconds_bucket{${group},le="1"}`]: 2,
    [`synpipe_connect_latency_seconds_bucket{${group},le="2"}`]: 4,
    [`synpipe_connect_latency_seconds_bucket{${group},le="5"}`]: 8,
    [`synpipe_connect_latency_seconds_sum{${group}}`]: 14.4614,
    [`synpipe_syn_retransmits_total{${group}}`]: 10,
    [`synpipe_pending_attempts{${group}}`]: 1, // the same attempt twice
    [`synpipe_dropped_packets_total{${group},drop_reason="NETFILTER_DROP"}`]: 6,
    [`synpipe_closed_connections_total{${group},closed_by="remote"}`]: 2,
    [`synpipe_connection_duration_seconds_sum{${group}}`]: 5,
    [`synpipe_sent_bytes_total{${group}}`]: 800,
    [`synpipe_received_bytes_total{${group}}`]: 10_000,
    'synpipe_failed_lookups_total{pcomm="curl",dest="gone.example.com",error="NXDOMAIN"}': 2,
    'sum(synpipe_failed_lookups_total)': 2,
    'synpipe_lost_events_total{stage="collector",where="ring buffer"}': 34,
  }))
    assert.deepEqual([query, (await ask(query, then))?.map((one) => Number(one.value[1]))], [query, [value]]);

  const queries = dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
    targets.map(({ expr }) => expr),
  );
  assert.ok(queries.length > 20);
  for (const query of queries) {
    const found = await ask(filled(query), then);
    assert.ok(found && found.length > 0, `no series for ${query}`);
    assert.ok(
      found.some(({ value: [, value] }) => Number(value) >= 0),
      `no number for ${query}`,
    ); // not NaN
  }
  while (!(await ask('ALERTS{alertname="EventsLost"}'))?.length) await sleep(20);
});

test('the alert rules are right, and fire when they should', (t) => {
  const dir = folder(t);
  const attempts = (result: string, values: string) => ({
    series: `synpipe_attempts_total{instance="a",pcomm="x",dest="db",dport="5432",result="${result}"}`,
    values,
  });
  const latency = (le: string, values: string) => ({
    series: `synpipe_connect_latency_seconds_bucket{instance="a",dest="db",dport="5432",le="${le}"}`,
    values,
  });
  const db = { instance: 'a', dest: 'db', dport: '5432' };
  const firing = (exp_labels: object, summary: string, description?: string) => [
    {
      exp_labels: { ...exp_labels, severity: 'warning' },
      exp_annotations: { summary, ...(description && { description }) },
    },
  ];
  const alert = (alertname: string, time: string, exp_alerts: ReturnType<typeof firing> = []) => ({
    eval_time: time,
    alertname,
    exp_alerts,
  });
  const tests = [
    {
      name: 'a third fails, from minute 10 to minute 30',
      input_series: [attempts('established', '0+20x60'), attempts('refused', '0x10 0+10x20 200x30')],
      alert_rule_test: [
        alert('ConnectionsFail', '12m'),
        alert(
          'ConnectionsFail',
          '20m',
          firing(
            db,
            '33.33% of the connections from a to db:5432 fail',
            'The label `error` of synpipe_attempts_total is the cause.',
          ),
        ),
        alert('ConnectionsFail', '50m'),
      ],
    },
    {
      name: 'few attempts',
      input_series: [attempts('refused', '0+1x60')],
      alert_rule_test: [alert('ConnectionsFail', '50m')],
    },
    {
      name: 'one in twenty needs a second SYN, after minute 30',
      input_series: [
        latency('0.5', '0+20x30 600+19x30'),
        latency('1', '0+20x30 600+19x30'),
        latency('2', '0+20x60'),
        latency('+Inf', '0+20x60'),
        { series: 'synpipe_connect_latency_seconds_count{instance="a",dest="db",dport="5432"}', values: '0+20x60' },
      ],
      alert_rule_test: [
        alert('ConnectionsSlow', '25m'),
        alert(
          'ConnectionsSlow',
          '50m',
          firing(
            db,
            '1 % of the connections from a to db:5432 take 1.8s or more',
            'From 1 s on, the first SYN or its answer was lost.',
          ),
        ),
      ],
    },
    {
      name: 'five attempts hang',
      input_series: [
        { series: 'synpipe_pending_attempts{instance="a",pcomm="x",dest="db",dport="5432"}', values: '0x5 3x20 0x5' },
        { series: 'synpipe_pending_attempts{instance="a",pcomm="y",dest="db",dport="5432"}', values: '0x5 2x20 0x5' },
      ],
      alert_rule_test: [
        alert('ConnectionsHang', '6m'),
        alert('ConnectionsHang', '10m', firing(db, '5 connection attempts from a to db:5432 get no answer')),
        alert('ConnectionsHang', '30m'),
      ],
    },
    {
      name: 'look-ups fail',
      input_series: [
        {
          series: 'synpipe_failed_lookups_total{instance="a",pcomm="x",dest="gone",error="NXDOMAIN"}',
          values: '0+5x30',
        },
      ],
      alert_rule_test: [
        alert('LookupsFail', '2m'),
        alert(
          'LookupsFail',
          '20m',
          firing({ instance: 'a', dest: 'gone', error: 'NXDOMAIN' }, 'a cannot resolve gone: NXDOMAIN'),
        ),
      ],
    },
    {
      name: 'the first loss of a stage, and one more',
      input_series: [
        { series: 'synpipe_lost_events_total{instance="a",stage="filter",where="invalid"}', values: '_x10 1x20 2x20' },
      ],
      alert_rule_test: [9, 11, 25, 32, 45].map((minute) =>
        alert(
          'EventsLost',
          `${minute}m`,
          [11, 32].includes(minute)
            ? firing(
                { instance: 'a', stage: 'filter', where: 'invalid' },
                'a: filter lost events (invalid), so the other numbers are too low',
              )
            : [],
        ),
      ),
    },
  ];
  const file = {
    rule_files: [rules],
    evaluation_interval: '1m',
    tests: tests.map((one) => ({ interval: '1m', ...one })),
  };
  writeFileSync(join(dir, 'test.yml'), JSON.stringify(file));
  execFileSync('promtool', ['check', 'rules', rules]);
  execFileSync('promtool', ['test', 'rules', 'test.yml'], { cwd: dir });
});

test('Prometheus accepts the configuration in the recipes', (t) => {
  const dir = folder(t);
  const recipes = readFileSync(join(root, 'transforms/RECIPES.md'), 'utf8');
  const [, config = ''] = /```yaml\n(rule_files:.*?)```/s.exec(recipes) ?? [];
  writeFileSync(join(dir, 'prometheus.yml'), config.replace('/usr/lib/synpipe/', root));
  execFileSync('promtool', ['check', 'config', 'prometheus.yml'], { cwd: dir });
});

test("node_exporter's textfile collector reads the file, which is complete at the end", async (t) => {
  const dir = folder(t);
  await shell('sink-metrics connections.prom', dir, ndjson(...traffic));
  const argv = ['prometheus-node-exporter', '--collector.disable-defaults', '--collector.textfile'];
  const exporter = await server(t, [...argv, `--collector.textfile.directory=${dir}`], dir);
  const found = samples(await (await fetch(`${exporter}/metrics`)).text());
  const group = '{dest="www.example.com",dport="443",file="connections",pcomm="curl"}';
  assert.equal(found.get(`synpipe_connect_latency_seconds_count${group}`), 4);
  assert.equal(found.get('node_textfile_scrape_error'), 0);
});

test('--tee passes every line on, in one process too', async (t) => {
  const dir = folder(t);
  const input = ndjson(...traffic, connect());
  for (const line of ['sink-metrics --tee m.prom | cat', "synpipe run 'sink-metrics --tee m.prom | validate' | cat"])
    assert.deepEqual((await shell(line, dir, input)).stdout, input, line);
});
