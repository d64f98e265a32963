import { spawn } from 'node:child_process';
import { release } from 'node:os';
import { PassThrough, type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { defineCommand } from '../schemas/pipe/command/command.js';
import {
  type Given,
  integer,
  list,
  type Options,
  oneOf,
  type Parsed,
  parseGiven,
} from '../schemas/pipe/command/options.js';
import { print } from '../schemas/pipe/command/print.js';
import { time } from '../schemas/pipe/command/units.js';
import { checkOutput } from '../schemas/pipe/io/closed-output.js';
import { cannotStart } from '../schemas/pipe/io/spawned.js';
import { canonical } from '../schemas/pipe/line/canonical.js';
import { cause, RuntimeError, remedy, UsageError } from '../schemas/pipe/messages/errors.js';
import { logMessage } from '../schemas/pipe/messages/log.js';
import { metricsOf } from '../schemas/pipe/metrics/families.js';
import { metricsOption, openMetrics } from '../schemas/pipe/metrics/metrics.js';
import { status } from '../schemas/pipe/stage/ledger.js';
import { numbers } from '../schemas/where/match.js';
import {
  type Addon,
  type End,
  loadAddon,
  objectOf,
  pendings,
  reports,
  type StartError,
  type StartOptions,
  type Tier,
  tiers,
} from './addon.js';
import { asCaller, type Command, refusal } from './caller.js';
import { Traced } from './command.js';
import { dns, explainDns } from './dns.js';
import { explain } from './explain.js';
import { fileHelper } from './file-helper.js';
import { ranked } from './preemption.js';
import { isStageReading } from './reader.js';
import { cgroup, cgroup2, netns, ownPids, pids, uid } from './scope.js';
import { onSignals } from './signals.js';
import { giveUpRights, successor, user } from './user.js';

const maxValues = 64; // per filter: the kernel side has room for this many
const atMost =
  <V>(parse: (text: string) => V[]) =>
  (text: string): V[] => {
    const values = parse(text);
    if (values.length > maxValues)
      throw new UsageError(`takes at most ${maxValues} values, not ${values.length}; filter takes more`);
    return values;
  };

/** Parses --report; `both` means attempt,outcome. */
function report(text: string): number {
  const word = oneOf('attempt', 'outcome', 'both');
  return list(word)(text).reduce((sum, kind) => sum | (kind === 'both' ? 3 : reports[kind]), 0);
}

const ports = (text: string) => numbers(0, 65535)(text).ranges as [first: number, last: number][];

const options = {
  pid: { short: 'p', value: 'PIDS', parse: atMost(pids), help: 'Only these processes.' },
  uid: { short: 'u', value: 'USERS', parse: atMost(list(uid)), help: 'Only these users, by number or name.' },
  dport: { short: 'P', value: 'PORTS', parse: atMost(ports), help: 'Only to these remote ports: 443,8000-8100.' },
  ipv4: { short: '4', help: 'Only to IPv4 (and IPv4-mapped) addresses.' },
  ipv6: { short: '6', help: 'Only to IPv6 addresses.' },
  cgroup: {
    value: 'PATH|ID',
    parse: atMost(list(cgroup)),
    help: 'Only from this cgroup (v2) and those below it, given by its path or by the number in the field cgroup.',
  },
  netns: {
    value: 'PID|NAME|PATH|INODE',
    parse: atMost(list(netns)),
    help: 'Only in this network namespace, given by a process in it, its name in /run/netns, a path, or the number in the field netns.',
  },
  report: {
    value: 'attempt|outcome|both',
    parse: report,
    help: 'What to report: how attempts end (outcome events, the default), attempts as they start (connect events), or both. A list such as attempt,outcome is the same as both.',
  },
  pending: {
    value: 'once|repeat|off',
    parse: oneOf('once', 'repeat', 'off'),
    help: 'Report an attempt that is still waiting after a second (pending events, with outcomes only): once (the default), again after 2, 4, 8, 16 … seconds, or never.',
  },
  dns: {
    help: 'Also report DNS look-ups (dns events): which program asked for which name, and the addresses or the error it got. Of the filters, only --netns applies to these events.',
  },
  count: {
    short: 'n',
    value: 'COUNT',
    parse: integer(1, Number.MAX_SAFE_INTEGER),
    help: 'Stop after this many attempts have ended; with --report attempt, have started.',
  },
  duration: { value: 'TIME', parse: time('ms', { from: '1ms', to: '23d' }), help: 'Stop after this time.' },
  tier: {
    value: tiers.join('|'),
    parse: oneOf(...tiers),
    help: 'Hook into the kernel only in this way; fail if it does not work here.',
  },
  user: {
    value: 'NAME',
    parse: user,
    help: 'Become this user after attaching. By default, root becomes the user who called sudo; without sudo, the user synpipe if it exists, else nobody. Any other user stays the same.',
  },
  status: { help: 'Write status events: what runs here at the start, what it counted at the end.' },
  metrics: metricsOption,
} satisfies Options;

type Values = Parsed<typeof options>['values'];

function kernelFilters(values: Values): Partial<StartOptions> {
  const report = values.report ?? reports.outcome;
  if (values.pending && !(report & reports.outcome))
    throw new UsageError('--pending needs outcomes; leave out --report attempt, or write --report both');
  if (values.ipv4 && values.ipv6)
    throw new UsageError('-4 and -6 cannot be combined; leave out both to get IPv4 and IPv6');
  return {
    pids: values.pid ?? [],
    uids: values.uid ?? [],
    ports: values.dport ?? [],
    netns: values.netns ?? [],
    cgroups: values.cgroup ?? [],
    cgroup2: cgroup2() !== undefined,
    report,
    pending: pendings[values.pending ?? 'once'],
    family: values.ipv4 ? 4 : values.ipv6 ? 6 : 0,
    count: values.count ?? 0,
    ...(values.dns && dns()),
  };
}

/** Starts the first tier that really attaches. If every tier fails, logs their reasons and throws the last one. */
function startBest(addon: Addon, parsed: Parsed<typeof options>, filters: Partial<StartOptions>): Promise<End> {
  const { tier: forced } = parsed.values;
  const { order, why: notFentry }: ReturnType<typeof ranked> = forced ? { order: [forced] } : ranked();
  const reasons: string[] = [];
  const { status: withStatus, tier: _, metrics: __, user: ___, ...given } = parsed.given;
  const header = (tier: Tier) => {
    const all = notFentry && tier === 'kprobe' ? [notFentry] : reasons;
    return canonical(
      status('collector', 'start', {
        tier,
        ...(all.length > 0 && { reasons: all }),
        kernel: release(),
        ...(Object.keys(given).length > 0 && { filters: given }),
      }),
    );
  };
  for (const tier of order) {
    let onEnd: (end: End) => void = () => {};
    const ended = new Promise<End>((resolve) => {
      onEnd = resolve;
    });
    try {
      addon.start({ ...filters, object: objectOf(tier), fd: 1, header: withStatus ? `${header(tier)}\n` : '' }, onEnd);
      return ended;
    } catch (error) {
      if (!('step' in (error as StartError))) throw error;
      if ((error as StartError).step === 'thread') throw new RuntimeError(explain(error as StartError, tier));
      if ((error as StartError).step === 'dns') throw new RuntimeError(explainDns(error as StartError));
      reasons.push(`${tier}: ${explain(error as StartError, tier)}`);
    }
  }
  const last = reasons.pop() as string;
  const why = (reason: string) => reason.replace(/^\w+: /, '');
  if (reasons.every((reason) => why(reason) === why(last))) throw new RuntimeError(why(last));
  for (const reason of reasons) logMessage('collector', reason);
  throw new RuntimeError(last);
}

/** Returns the metrics. `in` is what was reported or lost by now: of what waits in the kernel, only the bytes are known. */
const measured = ({ out, lost, queued }: ReturnType<Addon['stats']>) =>
  metricsOf({ command: 'collector', stage: 1, ledger: { in: out + lost, out, lost }, heldBytes: queued });

async function run(parsed: Parsed<typeof options>): Promise<number> {
  const { values, afterDashes } = parsed;
  if (afterDashes?.length === 0) throw new UsageError('missing COMMAND after --; see --help');
  const filters = kernelFilters(values);
  checkOutput();
  const command = afterDashes && asCaller(afterDashes);
  const refused = command && refusal(command);
  if (refused) {
    logMessage('collector', refused.message);
    return refused.status;
  }
  if (values.pid && ownPids())
    logMessage(
      'collector',
      'takes -p as PIDs of the host, like the field pid; this PID namespace numbers processes differently',
    );
  const to = successor(values.user);
  const addon = loadAddon();
  const metrics =
    values.metrics && (await openMetrics(values.metrics, 'collector', () => measured(addon.stats()), fileHelper));
  try {
    return await trace(parsed, filters, addon, command, to);
  } finally {
    await metrics?.close();
  }
}

async function trace(
  parsed: Parsed<typeof options>,
  filters: Partial<StartOptions>,
  addon: Addon,
  command: Command | undefined,
  to: ReturnType<typeof successor>,
): Promise<number> {
  const { values } = parsed;
  const traced = command && (await Traced.start(command));
  if (traced) filters.cgroups = [traced.cgroup];
  const stop = () => addon.stop();
  const release = onSignals(stop, traced); // before the first line, since its reader may send a signal at once
  let ended: Promise<End>;
  try {
    ended = startBest(addon, parsed, filters);
  } catch (error) {
    traced?.cancel();
    throw error;
  }
  const stageReads = isStageReading(); // now, while this process may still look at others
  try {
    giveUpRights(addon, to);
  } catch (error) {
    stop();
    traced?.cancel();
    throw error;
  }
  traced?.go();
  traced?.ended.then(stop);
  const timer = values.duration && setTimeout(stop, values.duration);

  const { reason, code, output, out, lost, pending, updates, lostUpdates } = await ended;
  if (timer) clearTimeout(timer);
  const exitCode = (await traced?.ended) ?? 0;
  await traced?.remove();
  release();
  if (reason === 'error') {
    const what = output ? 'cannot write standard output' : 'cannot continue';
    throw new RuntimeError(`${what}: ${cause({ code })}; ${remedy({ code })}`);
  }
  if (values.status && reason !== 'closed') {
    const counts = { in: out + lost + pending, out, lost, pending, updates, lost_updates: lostUpdates };
    await print(`${canonical(status('collector', 'end', counts))}\n`);
  }
  if (pending > 0 && !stageReads && reason !== 'closed')
    logMessage('collector', `${pending} ${pending === 1 ? 'attempt' : 'attempts'} still open`);
  return exitCode;
}

export const command = defineCommand({
  name: 'collector',
  summary: 'prints every TCP connection attempt of this machine as one JSON line',
  usage: '[OPTION]… [-- COMMAND [ARGUMENT]…]',
  examples: [
    ['sudo collector | filter --dport 443 | sink-file out.ndjson', 'keep what goes to port 443'],
    ['sudo collector | jq -c \'select(.comm == "curl") | {daddr, dport, result}\'', 'what curl connects to'],
    ['sudo collector | filter --pending | sink-table', 'what hangs'],
    ['sudo collector | filter --failed | sink-table', 'what failed, and why'],
    ['sudo collector -- npm install | jq -r .daddr | sort | uniq -c', 'what a command connects to'],
    ['sudo collector --dns | enrich | sink-table', 'with the names that programs looked up'],
    ['sudo collector -P 5432 -n 100 | sink-table', 'the next 100 attempts to reach PostgreSQL'],
  ],
  takesCommand: true,
  options,
  instead: {
    t: 'every event has ts',
    U: 'every event has uid',
    L: 'every event has sport',
    d: 'write collector --dns | enrich',
    c: 'write collector | aggregate --by saddr,daddr,dport',
    json: 'that is what it prints',
    failed: 'write collector | filter --failed',
    daddr: 'write collector | filter --daddr',
    comm: 'write collector | filter --comm',
  },
  notes: `With a COMMAND, runs it as the user who called sudo, traces it and everything it starts, and exits when it exits,
with its exit status. The command's output goes to stderr.
The filters take comma-separated lists and work inside the kernel. An outcome is written when the handshake is complete or
has failed. An attempt that is still waiting after a second is reported too, and again at the end if it is still open; so
are attempts that were already waiting at the start.
Needs root, or cap_bpf and cap_perfmon (also cap_dac_read_search for the tracepoint tier, and cap_net_admin for --dns).
After attaching, it gives up all of these and is no longer root.`,
  run,
});

/** Returns the live events as a stream, for programs. Runs a separate collector process, which ends when the stream does. */
export function collector(given: Given<typeof options> = {}): Readable {
  const { given: checked } = parseGiven(options, given);
  const args = Object.entries(checked).map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));
  const child = spawn(process.execPath, [fileURLToPath(new URL('../bin/collector', import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events = new PassThrough();
  child.on('error', (error) => events.destroy(cannotStart('collector', error)));
  if (child.pid === undefined) return events;
  let messages = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    messages = (messages + text).slice(-10_000);
  });
  child.stdout.pipe(events, { end: false });
  child.on('close', (code, signal) => {
    if (code === 0) events.end();
    else events.destroy(new RuntimeError(messages.trim() || `collector ended with ${signal ?? `exit code ${code}`}`));
  });
  events.on('close', () => {
    child.stdout.destroy();
    child.kill();
  });
  return events;
}
