import { closeSync, existsSync, openSync } from 'node:fs';
import { machine, release } from 'node:os';
import { isatty } from 'node:tty';
import { version } from '../schemas/generated/version.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { wrap } from '../schemas/pipe/command/help.js';
import type { Parsed } from '../schemas/pipe/command/options.js';
import { print } from '../schemas/pipe/command/print.js';
import { isTerminal } from '../schemas/pipe/io/fd.js';
import { RuntimeError } from '../schemas/pipe/messages/errors.js';
import { type Addon, loadAddon, objectOf, type StartError, type StartOptions, type Tier, tiers } from './addon.js';
import { build } from './build.js';
import { dns, explainDns } from './dns.js';
import { explain } from './explain.js';
import { cgroupNotes } from './hybrid.js';
import { ranked } from './preemption.js';

/** Why a tier does not work; or, if it works, the functions that it could not hook. */
interface TrialResult {
  reason?: string;
  unhooked: string[];
}

/** Really attaches a tier, and detaches it at once. */
async function tryTier(addon: Addon, tier: Tier, more: Partial<StartOptions> = {}): Promise<TrialResult> {
  const fd = openSync('/dev/null', 'w');
  let unhooked: string[] = [];
  try {
    await new Promise<void>((resolve) => {
      unhooked = addon.start({ ...more, object: objectOf(tier), fd }, () => resolve());
      addon.stop();
    });
    return { unhooked };
  } catch (error) {
    if (!('step' in (error as StartError))) throw error;
    const explained =
      (error as StartError).step === 'dns' ? explainDns(error as StartError) : explain(error as StartError, tier);
    return { reason: explained, unhooked };
  } finally {
    closeSync(fd);
  }
}

/** Returns why --dns does not work; undefined if it does. */
async function tryDns(addon: Addon, tier: Tier): Promise<string | undefined> {
  try {
    return (await tryTier(addon, tier, dns())).reason;
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    return error.message;
  }
}

/** Returns what is not seen because the kernel lacks a function or tracepoint. */
function unseen(name: string): string {
  if (name === 'inet_sk_error_report') return 'the kernel lacks the tracepoint inet_sk_error_report: no icmp over IPv4';
  if (name === 'tcp_v6_err') return 'the kernel lacks the function tcp_v6_err: no icmp over IPv6';
  if (name === 'syscalls/sys_exit_connect')
    return 'it cannot use the tracepoint sys_exit_connect: while about ten calls wait, it loses others';
  return `the kernel has no function ${name} to hook: attempts that fail in it before a SYN are not seen`;
}

/** Returns `works  fentry` or `fails  kprobe: reason`. */
const verdict = (what: string, reason: string | undefined) =>
  reason === undefined ? `works  ${what}` : `fails  ${what}: ${reason}`;

const options = {
  build: {
    help: 'Build the native part of the collector if the packaged one does not work here. Downloads nothing.',
  },
};

async function run({ values }: Parsed<typeof options>): Promise<number> {
  if (values.build) {
    await print(`${build()}\n`);
    return 0;
  }
  const btf = existsSync('/sys/kernel/btf/vmlinux') ? 'yes' : 'no';
  const head = `synpipe ${version}, Node ${process.version}, Linux ${release()} ${machine()}, BTF: ${btf}`;
  const lines: string[] = [];
  const addon = loadAddon();
  const works: Tier[] = [];
  for (const tier of tiers) {
    const { reason, unhooked } = await tryTier(addon, tier);
    if (reason === undefined) works.push(tier);
    lines.push(verdict(tier, reason));
    for (const name of unhooked) lines.push(`note   ${tier}: ${unseen(name)}`);
  }
  const { order, misses } = ranked();
  const best = order.find((tier) => works.includes(tier));
  const why = best === 'kprobe' ? works.includes('fentry') && misses.fentry : best && misses[best];
  if (why) lines.push(`note   ${why}`);
  if (best) lines.push(verdict('--dns', await tryDns(addon, best)));
  lines.push(...cgroupNotes().map((note) => `note   ${note}`));
  const result = best ? `collector works here, with the tier ${best}` : 'collector does not work here';
  const shown = isTerminal(1) && isatty(1) ? lines.map((line) => folded(line, process.stdout.columns || 80)) : lines;
  await print(`${[head, result, ...shown].join('\n')}\n`);
  return best ? 0 : 1;
}

/** Folds a line for a terminal: puts the cause and the remedy on separate, indented lines. */
function folded(line: string, width: number): string {
  const [what = '', ...why] = line.split(/(?<=^(?:fails|note) +[^:]+): |; /);
  return [what, ...why.flatMap((text) => wrap(text, width - 8).map((part) => `       ${part}`))].join('\n');
}

export const command = defineCommand({
  name: 'doctor',
  summary: 'shows which ways of tracing work on this machine, and what to do about the others',
  usage: '[OPTION]…',
  examples: [
    ['sudo synpipe doctor', 'try each tier, and collector --dns'],
    ['sudo synpipe doctor --build', 'if the native part in the package does not work here'],
  ],
  options,
  run,
});
