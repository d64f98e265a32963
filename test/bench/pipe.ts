/**
 * Measures what the pipe costs against other tools that filter NDJSON: all in one run, alternating, medians of the rounds.
 * Every answer is compared with jq's.
 *
 *     npm run bench -- [--events 2000000] [--rounds 3] [--case REGULAR_EXPRESSION] [--before BIN] [--keep]
 *
 * The data is generated once, into /tmp/synpipe-bench, and is the same on every machine. Slow programs get a part of it,
 * and their rates are scaled. --keep writes the raw numbers of the cases to test/bench/runs/, and the tables of all cases
 * recorded there, so cases can be run one at a time. BIN is the dist/bin of an older checkout, to run its to-ecs and to-otel
 * in turn with these.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { data } from './pipe/data.js';
import { type Run, throughput } from './pipe/measure.js';
import { type Measured, type Row, report } from './pipe/report.js';
import { bin, harness, here, type Tool, tools } from './pipe/tools.js';

const { values: given } = parseArgs({
  args: process.argv.slice(2),
  options: {
    events: { type: 'string', default: '2000000' },
    rounds: { type: 'string', default: '3' },
    case: { type: 'string', default: '' },
    before: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const events = Number(given.events);
const rounds = Number(given.rounds);
const chosen = (name: string) => new RegExp(given.case).test(name);

const before = loadavg()[0] as number;
const rows: Row[] = [];
const faults: string[] = [];

/** Programs to run in turn, each on its part of the events, with the number of lines that must come out. */
interface Turn {
  what: string;
  how: 'file' | 'pipe';
  input: string;
  command: string[];
  events: number;
  lines: number;
  note?: string;
}
function alternate(name: string, turns: Turn[], times = rounds): void {
  const runs = turns.map((): Run[] => []);
  for (let round = 0; round < times; round++) {
    for (const [at, { how, input, command, lines, what }] of turns.entries()) {
      const run = throughput(how, input, command, faults);
      runs[at]?.push(run);
      if (run.lines !== lines) faults.push(`${name}, ${what}: ${run.lines} lines, jq has ${lines}`);
    }
  }
  for (const [at, { what, events, note }] of turns.entries()) {
    rows.push({ case: name, what, events, ...(note && { note }), runs: runs[at] as Run[] });
  }
}

const { tools: present, missing } = tools();
const ranges = { '1 %': [8443, 8443], '30 %': [443, 443], '100 %': [0, 65535] } as const;

function filters(name: string, how: 'file' | 'pipe', share: number, range: keyof typeof ranges, which: Tool[]): void {
  if (!chosen(name)) return;
  const [first, last] = ranges[range];
  const whole = data(events, share);
  const turns = which.map((tool): Turn => {
    const count = Math.round(events / tool.part);
    const { path } = tool.part === 1 ? whole : data(count, share);
    return {
      what: tool.name,
      how,
      input: path,
      command: tool.command(first, last, how === 'file' ? path : undefined),
      events: count,
      lines: whole.jq(first, last, count),
      ...(tool.part > 1 && { note: `1/${tool.part} of the events` }),
    };
  });
  alternate(name, turns);
}

const fast = present.filter(({ part }) => part === 1);
const some = present.filter(({ name }) => !['gojq', 'Miller'].includes(name));
for (const how of ['file', 'pipe'] as const) {
  filters(`filter from a ${how}, 30 %`, how, 0, '30 %', present);
  filters(`filter from a ${how}, 1 %`, how, 0, '1 %', fast);
  filters(`filter from a ${how}, 100 %`, how, 0, '100 %', fast);
}
for (const share of [0.03, 0.05, 1]) {
  const which = some.filter((tool) => !tool.canonicalOnly);
  filters(`filter from a file, 30 %, ${share * 100} % not canonical`, 'file', share, '30 %', which);
}

const three = ['validate', 'filter --dport 443,8443', 'filter --not-dport 8443'];
const asProcesses = three.map((stage) => [`${bin}${stage.split(' ')[0]}`, ...stage.split(' ').slice(1)]);
const joined = (commands: string[][]) => commands.flatMap((command, at) => (at > 0 ? ['|', ...command] : command));
const fused = [`${bin}synpipe`, 'run', three.join(' | ')];
const cats = joined([['cat'], ['cat'], ['cat']]);

if (chosen('three stages')) {
  const { path, jq } = data(events, 0);
  const turn = (what: string, command: string[], lines = jq(443, 443)): Turn => ({
    ...{ what, how: 'file', input: path, command, events, lines },
  });
  alternate('three stages', [
    turn('three processes', joined(asProcesses)),
    turn('synpipe run', fused),
    turn('three cats', cats, events),
    turn('three processes that pass all', joined([[`${bin}validate`], [`${bin}validate`], [`${bin}validate`]]), events),
    turn('synpipe run, passing all', [`${bin}synpipe`, 'run', 'validate | validate | validate'], events),
  ]);
}

if (chosen('convert')) {
  const oneCore = ['taskset', '-c', '0'];
  const turn = (what: string, part: number, command: (path: string) => string[]): Turn => {
    const count = Math.round(events / part);
    const { path } = data(count, 0);
    const note = part > 1 ? { note: `1/${part} of the events` } : {};
    return {
      what,
      how: 'file',
      input: path,
      command: [...oneCore, ...command(path)],
      events: count,
      lines: count,
      ...note,
    };
  };
  const both = ['to-ecs', 'to-otel'];
  alternate('convert on one core', [
    ...both.map((name) => turn(name, 1, () => [`${bin}${name}`])),
    ...(given.before ? both : []).map((name) => turn(`${name} before`, 10, () => [`${given.before}/${name}`])),
    turn('DuckDB, about ECS', 2, (path) => [process.execPath, `${here}ecs-duckdb.cjs`, path]),
    turn('jq, about ECS', 40, () => ['jq', '-c', '-f', `${here}ecs.jq`]),
    turn('validate', 1, () => [`${bin}validate`]),
  ]);
}

if (chosen('memory')) {
  for (const count of [events / 10, events]) {
    const { path, jq } = data(count, 0);
    const turn = (what: string, command: string[], lines: number): Turn => ({
      ...{ what, how: 'pipe', input: path, command, events: count, lines },
    });
    alternate(
      `memory, ${count} events`,
      [
        turn('filter', [`${bin}filter`, '--dport', '443'], jq(443, 443)),
        turn('synpipe run', fused, jq(443, 443)),
        turn('sink-file', [`${bin}sink-file`, '/dev/null'], 0),
      ],
      1,
    );
  }
}

const empty = (what: string, command: string[]): Turn => ({
  ...{ what, how: 'file', input: '/dev/null', command, events: 0, lines: 0 },
});
const names = readdirSync(bin).filter((name) => !['package.json', 'synpipe'].includes(name));

/** Measures how long commands take that have nothing to do, against Node's own start-up. */
function starting(name: string, commands: Turn[]): void {
  const starts = [empty('node -e 0', [process.execPath, '-e', '0']), ...commands];
  const runs = starts.map((): Run[] => []);
  for (let round = 0; round < 7 * rounds; round++)
    for (const [at, { how, input, command }] of starts.entries())
      runs[at]?.push(throughput(how, input, command, faults));
  for (const [at, { what }] of starts.entries()) rows.push({ case: name, what, runs: runs[at] as Run[] });
}

if (chosen('help'))
  starting(
    'help',
    ['synpipe', ...names].map((name) => empty(`${name} --help`, [`${bin}${name}`, '--help'])),
  );

if (chosen('start')) {
  const withoutInput = ['collector', 'doctor', 'sink-web', 'sink-nats', 'source-nats', 'apply'];
  const args: Record<string, string[]> = {
    filter: ['--dport', '443'],
    'sink-file': ['/dev/null'],
    'sink-http': ['http://127.0.0.1:1/'],
    'sink-metrics': ['-'],
  };
  starting('start', [
    ...names.map((name) => {
      const command = withoutInput.includes(name) ? [name, '--version'] : [name, ...(args[name] ?? [])];
      return empty(command.join(' '), [`${bin}${name}`, ...command.slice(1)]);
    }),
    empty('synpipe filter', [`${bin}synpipe`, 'filter', '--dport', '443']),
    empty('synpipe run', fused),
  ]);
}

if (chosen('latency')) {
  const line =
    '{"type":"connect","v":1,"seq":1,"ts":"2026-11-23T08:15:30.123456Z","id":"1","pid":1,"comm":"curl","family":4,"daddr":"192.0.2.1","dport":443,"via":"connect"}';
  const turns: [string, string[]][] = [
    ['three processes', joined(asProcesses)],
    ['synpipe run', fused],
    ['three cats', cats],
    ['three jq', joined([1, 2, 3].map(() => ['jq', '-c', '--unbuffered', '.']))],
  ];
  for (const [what, command] of turns) {
    const said = execFileSync(harness, ['latency', '500', line, ...command], { encoding: 'utf8' });
    rows.push({ case: 'latency', what, runs: JSON.parse(said) });
  }
}

const date = new Date().toISOString().slice(0, 10);
const loads = `load average before and after: ${before.toFixed(1)}, ${(loadavg()[0] as number).toFixed(1)}`;
const measured: Measured = {
  about: `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}. ${events} events of ${Math.round(data(events, 0).bytes / events)} bytes; medians of rounds in which the programs take turns.`,
  rows,
  when: Object.fromEntries(rows.map((row) => [row.case, `${date}, ${rounds} rounds, ${loads}`])),
  notes: [
    `What each checks of a line: ${present.map(({ name, checks }) => `${name}: ${checks}`).join('; ')}. Every count of lines was jq's.`,
    ...(missing.length > 0 ? [`Not there: ${missing.join('; ')}.`] : []),
  ],
};
process.stdout.write(report(measured));
if (faults.length > 0) throw new Error(`wrong answers:\n${[...new Set(faults)].join('\n')}`);
if (given.keep) {
  const path = new URL(`runs/pipe-${release()}`, import.meta.url).pathname;
  const kept: Partial<Measured> = existsSync(`${path}.json`) ? JSON.parse(readFileSync(`${path}.json`, 'utf8')) : {};
  const { rows: others = [], when = {} } = kept.about === measured.about ? kept : {};
  const all = {
    ...measured,
    rows: [...others.filter((row) => !rows.some((one) => one.case === row.case)), ...rows],
    when: { ...when, ...measured.when },
  };
  writeFileSync(`${path}.md`, report(all));
  writeFileSync(`${path}.json`, `${JSON.stringify(all)}\n`);
}
