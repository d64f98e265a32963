/** What --dns needs from this machine, and the messages if that is missing. */
import { cgroup2 } from '../schemas/pipe/io/machine.js';
import { RuntimeError } from '../schemas/pipe/messages/errors.js';
import { objectOf, type StartError, type StartOptions } from './addon.js';
import { lacking } from './explain.js';

/** Returns the options of start() for --dns. Throws RuntimeError if no cgroup2 is mounted. */
export function dns(): Pick<StartOptions, 'dnsObject' | 'dnsCgroup'> {
  const mount = cgroup2();
  if (mount === undefined)
    throw new RuntimeError(
      'cannot see DNS: no cgroup2 is mounted; run mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified, or leave out --dns',
    );
  return { dnsObject: objectOf('dns'), dnsCgroup: mount };
}

/** Returns one line with the cause and the remedy. */
export function explainDns(error: StartError): string {
  return `${error.message}; ${remedy(error)}`;
}

function remedy({ code }: StartError): string {
  if (code === 'EPERM' || code === 'EACCES')
    return (
      lacking('cap_bpf', 'cap_perfmon', 'cap_net_admin') ??
      'no capability is missing, so another program has exclusive use of this hook of the root cgroup, or a security module forbids it; leave out --dns'
    );
  if (code === 'ENOENT') return 'build it: npm run build';
  if (code === 'EINVAL') return 'the kernel was built without CONFIG_CGROUP_BPF or is older than 5.13; leave out --dns';
  return 'leave out --dns; see synpipe doctor';
}
