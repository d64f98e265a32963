import { spawn } from 'node:child_process';
import { release } from 'node:os';
import { PassThrough, type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { print } from '../schemas/pipe/command/print.js';
import { checkOutput } from '../schemas/pipe/io/closed-output.js';
import { dist } from '../schemas/pipe/io/dist.js';
import { isTerminal } from '../schemas/pipe/io/fd.js';
import { ownPids } from '../schemas/pipe/io/machine.js';
import { cannotStart } from '../schemas/pipe/io/spawned.js';
import { canonical } from '../schemas/pipe/line/canonical.js';
import { cause, RuntimeError, remedy, UsageError } from '../schemas/pipe/messages/errors.js';
import { logMessage } from '../schemas/pipe/messages/log.js';
import { metricsOf } from '../schemas/pipe/metrics/families.js';
import { openMetrics } from '../schemas/pipe/metrics/metrics.js';
import { status } from '../schemas/pipe/stage/ledger.js';
import {
  type Addon,
  type End,
  loadAddon,
  objectOf,
  reports,
  type StartError,
  type StartOptions,
  type Tier,
} from './addon.js';
import { asCaller, type Command, refusal } from './caller.js';
import { Traced } from './command.js';
import { explainDns } from './dns.js';
import { explain } from './explain.js';
import { fileHelper } from './file-helper.js';
import { kernelFilters, options } from './options.js';
import { ranked } from './preemption.js';
import { isStageReading } from './reader.js';
import { onSignals } from './signals.js';
import { giveUpRights, successor } from './user.js';

/** Starts the first tier that really attaches. If every tier fails, logs their reasons and throws the last one. */
function startBest(addon: Addon, parsed: Parsed<typeof options>, filters: Partial<StartOptions>): Promise<End> {
  const { tier: forced } = parsed.values;
  const { order, misses }: ReturnType<typeof ranked> = forced ? { order: [forced], misses: {} } : ranked();
  const reasons: string[] = [];
  const { status: withStatus, tier: _, metrics: __, user: ___, ...given } = parsed.given;
  const header = (tier: Tier) => {
    const why = tier === 'kprobe' ? misses.fentry : misses[tier];
    const all = why ? [...reasons, why] : reasons;
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
    values.metrics &&
    (await openMetrics(values.metrics, 'collector', () => measured(addon.stats()), { open: fileHelper }));
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
  if (isTerminal(1) && isTerminal(2))
    logMessage('collector', 'prints one JSON line per attempt; for a table, add | sink-table, or run synpipe top');
  traced?.go();
  traced?.ended.then(stop);
  const timer = values.duration && setTimeout(stop, values.duration);

  const { reason, code, output, out, lost, pending, open, updates, lostUpdates } = await ended;
  if (timer) clearTimeout(timer);
  const exitCode = (await traced?.ended) ?? 0;
  await traced?.remove();
  release();
  if (reason === 'error') {
    const what = output ? 'cannot write standard output' : 'cannot continue';
    throw new RuntimeError(`${what}: ${cause({ code })}; ${remedy({ code })}`);
  }
  if (values.status && reason !== 'closed') {
    const closed = (filters.report ?? 0) & reports.closed;
    const counts = {
      ...{ in: out + lost + pending, out, lost, pending },
      ...(closed && { open }),
      ...{ updates, lost_updates: lostUpdates },
    };
    await print(`${canonical(status('collector', 'end', counts))}\n`);
  }
  const left = [many(pending, 'attempt'), many(open, 'connection')].filter((text) => text !== '');
  if (left.length > 0 && !stageReads && reason !== 'closed')
    logMessage('collector', `${left.join(' and ')} still open`);
  return exitCode;
}

const many = (count: number, what: string) => (count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`);

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
    d: 'for names, write collector --dns | enrich',
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
  const child = spawn(process.execPath, [fileURLToPath(new URL('bin/collector', dist)), ...args], {
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
