/** What --dns needs of this machine, and what to say where it is missing. */
import { RuntimeError } from '../schemas/pipe/messages/errors.js';
import { objectOf, type StartError, type StartOptions } from './addon.js';
import { lacking } from './explain.js';
import { cgroup2 } from './scope.js';

/** What start() takes for it. Throws RuntimeError where no cgroup2 is mounted. */
export function dns(): Pick<StartOptions, 'dnsObject' | 'dnsCgroup'> {
  const mount = cgroup2();
  if (mount === undefined)
    throw new RuntimeError(
      'cannot see DNS: no cgroup2 is mounted; mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified, or leave --dns out',
    );
  return { dnsObject: objectOf('dns'), dnsCgroup: mount };
}

/** A refusal in one line: cause and remedy. */
export function explainDns(error: StartError): string {
  return `${error.message}; ${remedy(error)}`;
}

function remedy({ code }: StartError): string {
  if (code === 'EPERM' || code === 'EACCES')
    return (
      lacking('cap_bpf', 'cap_perfmon', 'cap_net_admin') ??
      'no capability is missing, so another program has that hook of the root cgroup to itself, or a security module forbids it; leave --dns out'
    );
  if (code === 'ENOENT') return 'build it: npm run build';
  if (code === 'EINVAL') return 'the kernel was built without CONFIG_CGROUP_BPF or is older than 5.12; leave --dns out';
  return 'leave --dns out; see synpipe doctor';
}
