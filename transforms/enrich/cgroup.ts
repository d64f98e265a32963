/** The unit, container and pod that a cgroup's path names. */
export interface CgroupInfo {
  unit?: string;
  container?: string;
  runtime?: string;
  pod?: string;
}

const id = '[0-9a-f]{64}';
const uid = '[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32}';

/** Scopes whose name begins with the runtime: `docker-ID.scope`, `cri-containerd-ID.scope`, `libpod-ID`, … */
const scope = new RegExp(`^(docker|libpod|nerdctl|cri-containerd|crio)-(${id})(?:\\.scope)?$`);
/** containerd, if the kubelet passes a systemd slice that containerd does not expect: `SLICE:cri-containerd:ID`. */
const colons = new RegExp(`:(cri-containerd|nerdctl|docker|libpod|crio):(${id})$`);
const runtimes: Record<string, string> = {
  docker: 'docker',
  libpod: 'podman',
  nerdctl: 'containerd',
  'cri-containerd': 'containerd',
  crio: 'cri-o',
};
const podSlice = new RegExp(`(?:^|-)pod(${uid})(?:\\.slice)?(?=$|:)`);
const bareId = new RegExp(`^${id}$`);
const nspawn = /^systemd-nspawn@(.+)\.service$/;
const machine = /^machine-(.+)\.scope$/;
const lxc = /^lxc\.payload\.(.+)$/;
const unitName = /\.(?:service|scope|socket|mount|swap)$/;

/** Decodes systemd's escapes in names: `\x2d` is `-`. */
const unescaped = (name: string) =>
  name.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Returns the container that a folder of the path stands for, or undefined. `parents` are the folders above it. */
function containerOf(name: string, parents: readonly string[]): CgroupInfo | undefined {
  const [, kind = '', named] = scope.exec(name) ?? colons.exec(name) ?? [];
  if (named) return { container: named, runtime: runtimes[kind] as string };
  const parent = parents.at(-1) ?? '';
  if (bareId.test(name)) {
    // The kubelet's own folders do not name the runtime.
    if (podSlice.test(parent)) return { container: name };
    if (parent === 'docker' || parents[0] === 'ecs') return { container: name, runtime: 'docker' };
    return undefined;
  }
  const [, ours] = lxc.exec(name) ?? [];
  if (ours) return { container: ours, runtime: 'lxc' };
  if (parent === 'lxc' || parent === 'lxc.payload') return { container: name, runtime: 'lxc' };
  const [, service] = nspawn.exec(name) ?? [];
  if (service) return { container: unescaped(service), runtime: 'nspawn' };
  const [, scoped] = machine.exec(name) ?? [];
  if (!scoped || scoped.startsWith('qemu\\x2d')) return undefined; // a virtual machine of libvirt
  if (scoped.startsWith('lxc\\x2d')) return { container: unescaped(scoped.slice(7)), runtime: 'lxc' };
  return { container: unescaped(scoped), runtime: 'nspawn' };
}

/**
 * Reads unit, container and pod from a cgroup's path, by the names that container runtimes, the kubelet and systemd give to
 * their folders. The innermost container and unit win. What no folder names is left out.
 */
export function parseCgroupPath(path: string): CgroupInfo {
  const folders = path.split('/').filter((folder) => folder !== '');
  const found: CgroupInfo = {};
  for (const [i, folder] of folders.entries()) {
    const [, pod] = podSlice.exec(folder) ?? [];
    if (pod) found.pod = /^[0-9a-f]{32}$/.test(pod) ? pod : pod.replaceAll('_', '-');
    const container = containerOf(folder, folders.slice(0, i));
    if (container) {
      delete found.runtime;
      Object.assign(found, container);
    }
    if (unitName.test(folder)) found.unit = folder;
  }
  return found;
}

/** Does the same for a process's paths in several hierarchies: the first container, pod and unit win. */
export function parseCgroupPaths(paths: readonly string[]): CgroupInfo {
  const all = paths.map(parseCgroupPath);
  const { container, runtime, pod } =
    all.find((one) => one.container !== undefined) ?? all.find((one) => one.pod) ?? {};
  const unit = all.find((one) => one.unit !== undefined)?.unit;
  const found = Object.entries({ unit, container, runtime, pod }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(found);
}
