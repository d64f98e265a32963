import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

export const nobody = 65534;
export const mounted = () => / - tracefs /.test(readFileSync('/proc/self/mountinfo', 'utf8'));
/** What the tracepoint tier needs here. */
export const needed = () => ['bpf', 'perfmon', ...(mounted() ? [] : ['sys_admin']), 'dac_read_search'];

/** Behind this a command is nobody, with just these capabilities. */
export function only(capabilities: string[]): string[] {
  const added = capabilities.map((name) => `+${name}`).join(',');
  const caps = [`--inh-caps=-all,${added}`, `--ambient-caps=-all,${added}`];
  return [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', ...caps, `--bounding-set=-all,${added}`];
}

/** The threads of a process, each with what /proc tells of it; without those that end meanwhile. */
function statuses(pid: number): [task: string, text: string][] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    try {
      return [[task, readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')] as [string, string]];
    } catch {
      return [];
    }
  });
}

/** The threads of a process that have something left, as /proc tells it. */
export function privileged(pid: number): string[] {
  const tasks = statuses(pid);
  assert.ok(tasks.length > 5, `it has ${tasks.length} threads`);
  return tasks.flatMap(([task, text]) => {
    const left = text.match(/^(Cap(Inh|Prm|Eff|Amb):\s*0*[1-9a-f].*|NoNewPrivs:\s*0)$/gm) ?? [];
    return left.map((line) => `${task}: ${line}`);
  });
}

/** The IDs of a process's threads, as /proc tells them, each set once: uids, gids (real, effective, saved, fs), groups. */
export function identities(pid: number): string[] {
  const all = statuses(pid).map(([, text]) => {
    const [, uids, gids, groups] = /^Uid:\t(.*)\nGid:\t(.*)\n(?:.*\n)*?Groups:\t(.*?) *$/m.exec(text) ?? [];
    return `${uids}; ${gids}; ${groups}`.replaceAll('\t', ' ');
  });
  return [...new Set(all)];
}

/** What `identities` says of a process that is wholly this user, without supplementary groups. */
export const wholly = (uid: number, gid: number) => [`${`${uid} `.repeat(4).trim()}; ${`${gid} `.repeat(4).trim()}; `];
