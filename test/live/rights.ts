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

/** The threads of a process that have something left, as /proc tells it. */
export function privileged(pid: number): string[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  assert.ok(tasks.length > 5, `it has ${tasks.length} threads`);
  return tasks.flatMap((task) => {
    const text = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8');
    const left = text.match(/^(Cap(Inh|Prm|Eff|Amb):\s*0*[1-9a-f].*|NoNewPrivs:\s*0)$/gm) ?? [];
    return left.map((line) => `${task}: ${line}`);
  });
}
