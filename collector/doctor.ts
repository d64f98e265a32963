import { closeSync, existsSync, openSync } from 'node:fs';
import { machine, release } from 'node:os';
import { version } from '../schemas/generated/version.js';
import { defineCommand } from '../schemas/pipe/command.js';
import { RuntimeError } from '../schemas/pipe/errors.js';
import { writeAll } from '../schemas/pipe/fd.js';
import { type Addon, loadAddon, objectOf, type StartError, type StartOptions, type Tier, tiers } from './addon.js';
import { dns, explainDns } from './dns.js';
import { explain } from './explain.js';
import { cgroup2 } from './scope.js';

/** Why it does not work, or, where it does, the functions that it could not hook. */
interface Tried {
  refusal?: string;
  unhooked: string[];
}

/** Really attaches a tier, and lets go of it at once. */
async function attempt(addon: Addon, tier: Tier, more: Partial<StartOptions> = {}): Promise<Tried> {
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
    return { refusal: explained, unhooked };
  } finally {
    closeSync(fd);
  }
}

/** Why --dns does not work; undefined where it does. */
async function dnsRefusal(addon: Addon, tier: Tier): Promise<string | undefined> {
  try {
    return (await attempt(addon, tier, dns())).refusal;
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    return error.message;
  }
}

/** `works  fentry`, `fails  kprobe: why` */
const verdict = (what: string, reason: string | undefined) =>
  reason === undefined ? `works  ${what}` : `fails  ${what}: ${reason}`;

async function run(): Promise<number> {
  const btf = existsSync('/sys/kernel/btf/vmlinux') ? 'yes' : 'no';
  const lines = [`synpipe ${version}, Node ${process.version}, Linux ${release()} ${machine()}, BTF: ${btf}`];
  const addon = loadAddon();
  const works: Tier[] = [];
  for (const tier of tiers) {
    const { refusal, unhooked } = await attempt(addon, tier);
    if (refusal === undefined) works.push(tier);
    lines.push(verdict(tier, refusal));
    for (const name of unhooked)
      lines.push(
        `note   ${tier}: the kernel has no function ${name} to hook: what fails in it before a SYN is not seen`,
      );
  }
  if (works[0]) lines.push(verdict('--dns', await dnsRefusal(addon, works[0])));
  if (cgroup2() === undefined)
    lines.push('note   cgroup v2 is not mounted: the field cgroup is left out, and --cgroup does not work');
  await writeAll(1, Buffer.from(`${lines.join('\n')}\n`));
  return works.length > 0 ? 0 : 1;
}

export const command = defineCommand({
  name: 'doctor',
  summary: 'tells which ways of tracing work on this machine, and what to do about the others',
  usage: '',
  examples: [['sudo synpipe doctor', 'try each tier, and collector --dns']],
  options: {},
  run,
});
