import { cgroup2, hasCgroup1, mounts } from '../schemas/pipe/io/machine.js';

/** Returns notes for `doctor` about what does not work with cgroups on a machine with these mounts. */
export function cgroupNotes(mountinfo = mounts()): string[] {
  const v1 = hasCgroup1(mountinfo);
  const hidden = / \/proc .* - proc .*\bhidepid=(?!0|off)/.test(mountinfo);
  const notes: string[] = [];
  if (!cgroup2(mountinfo))
    notes.push('cgroup v2 is not mounted: the field cgroup is left out, and --cgroup does not work');
  else if (v1) notes.push('cgroup v1 is in use too: --cgroup and the field cgroup know only the v2 tree');
  if (v1) notes.push('cgroup v1: enrich finds unit and container by the process, so only while it still runs');
  if (v1 && hidden)
    notes.push('hidepid: /proc hides processes, so enrich finds no v1 cgroups; run it as root, or in the group gid=');
  return notes;
}
