/** What a cgroup's path says of who is in it. */
export interface Who {
  unit?: string;
  container?: string;
  runtime?: string;
  pod?: string;
}

const id = '[0-9a-f]{64}';
const uid = '[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32}';

/** Scopes that a runtime names after itself: `docker-ID.scope`, `cri-containerd-ID.scope`, `libpod-ID`, … */
const scope = new RegExp(`^(docker|libpod|nerdctl|cri-containerd|crio)-(${id})(?:\\.scope)?$`);
/** containerd, where the kubelet gives a slice and containerd does not expect one: `SLICE:cri-containerd:ID`. */
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

/** systemd's escapes in names: `\x2d` is `-`. */
const unescaped = (name: string) =>
  name.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** The container that a folder of the path stands for, if it does; `parents` are the folders above it. */
function containerOf(name: string, parents: readonly string[]): Who | undefined {
  const [, kind = '', named] = scope.exec(name) ?? colons.exec(name) ?? [];
  if (named) return { container: named, runtime: runtimes[kind] as string };
  const parent = parents.at(-1) ?? '';
  if (bareId.test(name)) {
    // The kubelet's own folders do not tell the runtime.
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
 * Who a cgroup's path stands for, as container runtimes, the kubelet and systemd name their folders. The innermost
 * container and unit count. What no folder says is left out.
 */
export function who(path: string): Who {
  const folders = path.split('/').filter((folder) => folder !== '');
  const found: Who = {};
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

/** The same of a process's paths in several hierarchies: the first container, pod and unit count. */
export function whoOf(paths: readonly string[]): Who {
  const all = paths.map(who);
  const { container, runtime, pod } =
    all.find((one) => one.container !== undefined) ?? all.find((one) => one.pod) ?? {};
  const unit = all.find((one) => one.unit !== undefined)?.unit;
  const found = Object.entries({ unit, container, runtime, pod }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(found);
}
