import { existsSync, readFileSync } from 'node:fs';
import { mounts } from '../schemas/pipe/io/machine.js';
import { remedy as remedyOf } from '../schemas/pipe/messages/errors.js';
import type { StartError, Tier } from './addon.js';

/** Returns one line with the cause and the remedy. */
export function explain(error: StartError, tier: Tier): string {
  return `${error.message}; ${remedy(error, tier)}`;
}

const hooked = '__sys_connect_file';

function remedy({ code, step }: StartError, tier: Tier): string {
  if (step === 'open' && code === 'ENOENT') return 'build it: npm run build';
  if (step === 'thread' || code === 'EAGAIN') return remedyOf({ code });
  if (step === 'configure') return 'name a cgroup v2 folder that exists, or its id';
  if (step === 'drops') return 'this needs Linux 5.17 or newer, with BTF; leave out --drops';
  if (step === 'check') return `this kernel was built with ${hooked} inlined; use another tier`;
  if (!existsSync('/sys/kernel/btf/vmlinux'))
    return 'the kernel has no BTF in /sys/kernel/btf/vmlinux; boot one that was built with CONFIG_DEBUG_INFO_BTF';
  if (code === 'EPERM' || code === 'EACCES') return forbidden(step, tier);
  if (tier === 'kprobe' && step === 'attach') {
    if (!existsSync('/sys/bus/event_source/devices/kprobe'))
      return 'the kernel has no kprobes; boot one that was built with CONFIG_KPROBE_EVENTS, or use another tier';
    if (code === 'ENOENT') return `the kernel has no function ${hooked}; use another tier`;
  }
  if (code === 'ESRCH') return `the kernel has no function ${hooked}; use another tier`;
  if (code === 'E524' || code === 'EOPNOTSUPP')
    return 'the kernel cannot attach to functions this way (x86 can from 5.5 on, arm64 from 6.4); use another tier';
  if (tier === 'tracepoint' && step === 'attach' && code === 'ENOENT')
    return 'the kernel has no such tracepoint; boot one that was built with CONFIG_FTRACE_SYSCALLS';
  if (code === 'ENODEV') return 'the kernel has no tracefs; boot one that was built with CONFIG_FTRACE';
  if (lockdown() === 'confidentiality') return locked;
  if (code === 'EINVAL' || code === 'E2BIG') return 'the kernel is too old: it needs 5.13';
  if (code === 'ENOMEM') return 'free some memory, or raise the memory limit of its cgroup';
  return 'see synpipe doctor';
}

const locked =
  'the kernel is locked down to confidentiality, so BPF cannot read kernel memory; boot with lockdown=integrity';

function forbidden(step: StartError['step'], tier: Tier): string {
  const needed = missing('cap_bpf', 'cap_perfmon');
  let other = '';
  if (step === 'attach' && tier !== 'fentry') {
    // if tracefs is not mounted, the collector opens a private instance
    if (tier === 'tracepoint')
      needed.push(...missing(...(tracefsMounted() ? [] : ['cap_sys_admin' as const]), 'cap_dac_read_search'));
    const admin = missing('cap_sys_admin');
    if (paranoid() > 2 && admin.length > 0 && !needed.includes('cap_sys_admin')) {
      needed.push(...admin);
      other = ' (or, instead of the last one, set kernel.perf_event_paranoid=2)';
    }
  }
  if (needed.length > 0) return grant(needed.join(',') + other);
  if (lockdown() === 'confidentiality') return locked;
  return 'no capability is missing, so a security module, a seccomp filter or the kernel itself forbids it; use another tier';
}

const grant = (list: string) => (process.getuid?.() === 0 ? `this root lacks ${list}` : `run as root or grant ${list}`);

/** Returns what to grant; undefined if none of the capabilities is missing. */
export function lacking(...names: Capability[]): string | undefined {
  const needed = missing(...names);
  return needed.length > 0 ? grant(needed.join(',')) : undefined;
}

const numbers = {
  cap_dac_override: 1,
  cap_dac_read_search: 2,
  cap_net_admin: 12,
  cap_sys_admin: 21,
  cap_perfmon: 38,
  cap_bpf: 39,
};
type Capability = keyof typeof numbers;

/** Returns the capabilities that this process lacks; it also has a capability if it has a wider one. */
function missing(...names: Capability[]): Capability[] {
  const effective = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  const has = (name: Capability) => ((effective >> BigInt(numbers[name])) & 1n) === 1n;
  const wider = { cap_bpf: 'cap_sys_admin', cap_perfmon: 'cap_sys_admin', cap_dac_read_search: 'cap_dac_override' };
  return names.filter((name) => !has(name) && !(name in wider && has(wider[name as keyof typeof wider] as Capability)));
}

function tracefsMounted(): boolean {
  return / - tracefs /.test(mounts());
}

/** Some distributions add a level above the kernel's own ones, at which perf_event_open() needs cap_sys_admin. */
function paranoid(): number {
  try {
    return Number(readFileSync('/proc/sys/kernel/perf_event_paranoid', 'utf8'));
  } catch {
    return 0;
  }
}

function lockdown(): string | undefined {
  try {
    return /\[(\w+)\]/.exec(readFileSync('/sys/kernel/security/lockdown', 'utf8'))?.[1];
  } catch {
    return undefined; // no such security module, or securityfs is not mounted
  }
}
