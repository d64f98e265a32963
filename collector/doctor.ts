import { closeSync, existsSync, openSync } from 'node:fs';
import { machine, release } from 'node:os';
import { version } from '../schemas/generated/version.js';
import { defineCommand } from '../schemas/pipe/command.js';
import { writeAll } from '../schemas/pipe/fd.js';
import { type Addon, loadAddon, objectOf, type StartError, type Tier, tiers } from './addon.js';
import { explain } from './explain.js';
import { cgroup2 } from './scope.js';

const shown: Record<string, string> = {
  tcp_sendmsg_fastopen: 'TCP Fast Open by sendto() that fails before its SYN',
  kernel_connect: "a connect of the kernel's own that fails before its SYN",
};

interface Tried {
  works: boolean;
  lines: string[];
}

/** Really attaches a tier, and lets go of it at once. */
async function attempt(addon: Addon, tier: Tier): Promise<Tried> {
  const fd = openSync('/dev/null', 'w');
  let unhooked: string[] = [];
  try {
    await new Promise<void>((resolve) => {
      unhooked = addon.start({ object: objectOf(tier), fd }, () => resolve());
      addon.stop();
    });
    const notes = unhooked.map(
      (name) => `note   ${tier}: does not see ${shown[name]}, as the kernel has no function ${name} to hook`,
    );
    return { works: true, lines: [`works  ${tier}`, ...notes] };
  } catch (error) {
    if (!('step' in (error as StartError))) throw error;
    return { works: false, lines: [`fails  ${tier}: ${explain(error as StartError, tier)}`] };
  } finally {
    closeSync(fd);
  }
}

async function run(): Promise<number> {
  const btf = existsSync('/sys/kernel/btf/vmlinux') ? 'yes' : 'no';
  const lines = [`synpipe ${version}, Node ${process.version}, Linux ${release()} ${machine()}, BTF: ${btf}`];
  const addon = loadAddon();
  let works = 0;
  for (const tier of tiers) {
    const tried = await attempt(addon, tier);
    if (tried.works) works++;
    lines.push(...tried.lines);
  }
  if (cgroup2() === undefined)
    lines.push('note   cgroup v2 is not mounted: the field cgroup is left out, and --cgroup does not work');
  await writeAll(1, Buffer.from(`${lines.join('\n')}\n`));
  return works > 0 ? 0 : 1;
}

export const command = defineCommand({
  name: 'doctor',
  summary: 'tells which ways of tracing work on this machine, and what to do about the others',
  usage: '',
  examples: [['sudo synpipe doctor', 'try each tier']],
  options: {},
  run,
});
