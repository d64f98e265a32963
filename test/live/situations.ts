import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Tier } from '../../dist/collector/addon.js';

/** Something that a machine lacks, and the message then. Made in a separate mount namespace that other processes do not see. */
export interface Situation {
  name: string;
  /** Shell commands, run in this repository's folder. The last one prints the message. */
  run: string;
  /** The expected output, on stdout and stderr: all of it, or a pattern that some of it must match. */
  says: string | RegExp;
  status: number;
  /** Run only if this tier works. */
  tier?: Exclude<Tier, 'tracepoint'>;
}

/** For `run`: functions that hide a folder, or make all BPF objects hook another function. */
const preamble = `set -e
objects=dist/native/linux-${process.arch}/bpf
hide() { for folder; do [ ! -d "$folder" ] || mount -t tmpfs none "$folder"; done; }
rehook() {
  local kept
  kept=$(mktemp -d)
  cp $objects/*.o "$kept"
  hide $objects
  for object in "$kept"/*; do sed "s/$1/$2/g" "$object" >"$objects/\${object##*/}"; done
  rm -r "$kept"
}
only() { setpriv --bounding-set="$1" "\${@:2}"; }
`;

const inTier = (tier: 'fentry' | 'kprobe'): Situation[] => {
  const cannot = (program: string) => `collector: cannot load BPF program ${program}`;
  const lacks = (what: string) => `${cannot('adopt_files')}: EPERM; this root lacks ${what}\n`;
  return [
    {
      name: `${tier}: a function that does not exist`,
      run: `rehook __sys_connect_file __sys_connect_filx; dist/bin/collector --tier ${tier}`,
      says:
        tier === 'fentry'
          ? `${cannot('connect_enter')}: ESRCH; the kernel has no function __sys_connect_file; use another tier\n`
          : 'collector: cannot attach BPF program connect_exit: ENOENT; the kernel has no function __sys_connect_file; use another tier\n',
      status: 1,
      tier,
    },
    {
      name: `${tier}: a function that connect() does not call`,
      run: `rehook __sys_connect_file generic_file_fsync; dist/bin/collector --tier ${tier}`,
      says: 'collector: connect() does not call the hooked function: ENXIO; this kernel was built with __sys_connect_file inlined; use another tier\n',
      status: 1,
      tier,
    },
    {
      name: `${tier}: without what only TCP Fast Open passes`,
      run: `rehook tcp_sendmsg_fastopen tcp_sendmsg_fastopex; dist/bin/doctor`,
      says: new RegExp(
        `^works {2}${tier}\nnote {3}${tier}: the kernel has no function tcp_sendmsg_fastopex to hook: attempts that fail in it before a SYN are not seen\n`,
        'm',
      ),
      status: 0,
      tier,
    },
    {
      name: `${tier}: without cap_perfmon`,
      run: `only -perfmon,-sys_admin dist/bin/collector --tier ${tier}`,
      says: lacks('cap_perfmon'),
      status: 1,
      tier,
    },
    {
      name: `${tier}: without cap_bpf`,
      run: `only -bpf,-sys_admin dist/bin/collector --tier ${tier}`,
      says: /^collector: [^\n]*: EPERM; this root lacks cap_bpf\n$/,
      status: 1,
      tier,
    },
  ];
};

export const situations: Situation[] = [
  {
    name: 'no BTF',
    run: 'hide /sys/kernel/btf /lib/modules; dist/bin/collector',
    says: 'collector: cannot load BPF programs: ESRCH; the kernel has no BTF in /sys/kernel/btf/vmlinux; boot one that was built with CONFIG_DEBUG_INFO_BTF\n',
    status: 1,
  },
  {
    name: 'no BPF objects',
    run: 'hide $objects; dist/bin/collector --tier tracepoint',
    says: /^collector: cannot open BPF object [^\n]*\/tracepoint\.bpf\.o: ENOENT; build it: npm run build\n$/,
    status: 1,
  },
  {
    name: 'cgroup v1 only: noted',
    run: 'umount -l -t cgroup2 -a; dist/bin/doctor',
    says: /^note {3}cgroup v2 is not mounted: the field cgroup is left out, and --cgroup does not work\n/m,
    status: 0,
  },
  {
    name: 'cgroup v1 only: --cgroup',
    run: 'umount -l -t cgroup2 -a; dist/bin/collector --cgroup /',
    says: 'collector: invalid --cgroup "/": cgroup v2 is not mounted; run mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified\n',
    status: 2,
  },
  {
    name: 'cgroup v1 only: a command',
    run: 'umount -l -t cgroup2 -a; dist/bin/collector -- true',
    says: 'collector: cannot trace a command: no cgroup2 is mounted; see synpipe doctor\n',
    status: 1,
  },
  {
    name: 'no kprobes',
    run: 'hide /sys/bus/event_source/devices /sys/kernel/debug /sys/kernel/tracing; dist/bin/collector --tier kprobe',
    says: 'collector: cannot attach BPF program connect_exit: ENOENT; the kernel has no kprobes; boot one that was built with CONFIG_KPROBE_EVENTS, or use another tier\n',
    status: 1,
  },
  {
    name: 'no tracepoints of system calls',
    run: 'hide /sys/kernel/debug /sys/kernel/tracing; mkdir /sys/kernel/tracing/events; dist/bin/collector --tier tracepoint',
    says: 'collector: cannot open tracepoint syscalls/sys_exit_connect: ENOENT; the kernel has no such tracepoint; boot one that was built with CONFIG_FTRACE_SYSCALLS\n',
    status: 1,
  },
  {
    name: 'no memory to lock, and no right to more: still works',
    run: 'ulimit -l 0; only -ipc_lock,-sys_resource dist/bin/doctor',
    says: /^works {2}tracepoint\n/m,
    status: 0,
  },
  {
    name: 'nobody',
    run: 'setpriv --reuid=65534 --regid=65534 --clear-groups dist/bin/collector --tier tracepoint',
    says: /^collector: [^\n]*: EPERM; run as root or grant cap_bpf,cap_perfmon\n$/,
    status: 1,
  },
  ...inTier('fentry'),
  ...inTier('kprobe'),
  {
    name: 'kprobe: without cap_sys_admin, where kernel.perf_event_paranoid is 3',
    run: 'echo 3 >/proc/sys/kernel/perf_event_paranoid; only -sys_admin dist/bin/collector --tier kprobe',
    says: /^collector: cannot attach BPF program \w+: EACCES; this root lacks cap_sys_admin \(or, instead of the last one, set kernel\.perf_event_paranoid=2\)\n$/,
    status: 1,
    tier: 'kprobe',
  },
];

/** In a guest that was booted with lockdown=confidentiality. */
export const lockedDown: Situation[] = (['fentry', 'kprobe', 'tracepoint'] as const).map((tier) => ({
  name: `${tier}: lockdown=confidentiality`,
  run: `mount -t securityfs none /sys/kernel/security; dist/bin/collector --tier ${tier}`,
  says: /^collector: [^\n]*; the kernel is locked down to confidentiality, so BPF cannot read kernel memory; boot with lockdown=integrity\n$/,
  status: 1,
}));

/** The output, and the exit status. */
export interface Said {
  text: string;
  status: number | null;
}

/** Creates a situation on this machine, as root. */
export function make({ run }: Situation): Said {
  const { status, stdout } = spawnSync(
    'unshare',
    ['--mount', 'timeout', '120', 'bash', '-c', `exec 2>&1; ${preamble}${run}`],
    {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      encoding: 'utf8',
    },
  );
  return { text: stdout, status };
}

export function check({ says, status }: Situation, said: Said): void {
  if (typeof says === 'string') assert.deepEqual(said, { text: says, status });
  else assert.ok(says.test(said.text) && said.status === status, JSON.stringify(said));
}
