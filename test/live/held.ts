import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export type Kind = 'prog' | 'map' | 'link';
export const kinds: Kind[] = ['prog', 'map', 'link'];

/** Returns '' for a descriptor that has been closed meanwhile, such as our own reader's. */
function info(pid: number, fd: string): string {
  try {
    return readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
  } catch {
    return '';
  }
}

/** The IDs of the BPF objects of a kind that a process holds. bpftool may not know which process holds what. */
export function held(kind: Kind, pid: number): number[] {
  const infos = readdirSync(`/proc/${pid}/fdinfo`).map((fd) => info(pid, fd));
  const found = infos.map((text) => text.match(new RegExp(`^${kind}_id:\\s*(\\d+)`, 'm'))?.[1]);
  return [...new Set(found.filter((id) => id !== undefined).map(Number))];
}

export const exists = (kind: Kind, id: number): boolean =>
  spawnSync('bpftool', ['-j', kind, 'show', 'id', String(id)]).status === 0;
