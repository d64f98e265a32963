import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

export const nobody = 65534;
export const mounted = () => / - tracefs /.test(readFileSync('/proc/self/mountinfo', 'utf8'));
/** The capabilities that the tracepoint tier needs here. */
export const needed = () => ['bpf', 'perfmon', ...(mounted() ? [] : ['sys_admin']), 'dac_read_search'];

/** setpriv options that run a command as nobody, with only these capabilities. */
export function only(capabilities: string[]): string[] {
  const added = capabilities.map((name) => `+${name}`).join(',');
  const caps = [`--inh-caps=-all,${added}`, `--ambient-caps=-all,${added}`];
  return [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', ...caps, `--bounding-set=-all,${added}`];
}

/** The threads of a process, each with its /proc status. Leaves out threads that exit meanwhile. */
function statuses(pid: number): [task: string, text: string][] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    try {
      return [[task, readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')] as [string, string]];
    } catch {
      return [];
    }
  });
}

/** The privileges that threads of a process still have, according to /proc. */
export function privileged(pid: number): string[] {
  const tasks = statuses(pid);
  assert.ok(tasks.length > 5, `it has ${tasks.length} threads`);
  return tasks.flatMap(([task, text]) => {
    const left = text.match(/^(Cap(Inh|Prm|Eff|Amb):\s*0*[1-9a-f].*|NoNewPrivs:\s*0)$/gm) ?? [];
    return left.map((line) => `${task}: ${line}`);
  });
}

/** The distinct IDs of a process's threads, from /proc: uids and gids (real, effective, saved, fs), groups. */
export function identities(pid: number): string[] {
  const all = statuses(pid).map(([, text]) => {
    const [, uids, gids, groups] = /^Uid:\t(.*)\nGid:\t(.*)\n(?:.*\n)*?Groups:\t(.*?) *$/m.exec(text) ?? [];
    return `${uids}; ${gids}; ${groups}`.replaceAll('\t', ' ');
  });
  return [...new Set(all)];
}

/** What `identities` returns for a process that is entirely this user, without supplementary groups. */
export const wholly = (uid: number, gid: number) => [`${`${uid} `.repeat(4).trim()}; ${`${gid} `.repeat(4).trim()}; `];
