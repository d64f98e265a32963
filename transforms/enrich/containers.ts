import { homedir } from 'node:os';
import { join } from 'node:path';
import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';
import type { Who } from './cgroup.js';
import { type ContainerNames, dockerNames, KubeletNames, StorageNames } from './container-files.js';

/** How many containers are remembered. */
const mostKnown = 10_000;
/** When a container without names is looked up again: after that long, then after longer and longer. */
const retryMs = 1_000;
const longestRetryMs = 60_000;
/** For that long after its first event a container is young: its files may still be written. */
const youngMs = 10_000;
const wholeId = /^[0-9a-f]{64}$/;

interface Known {
  names: ContainerNames;
  first: number;
  next: number;
}

/** The names of containers and pods, from the files that a node keeps of them. */
export class Containers {
  readonly #known = new AgingMap<string, Known>();
  readonly #kubelet: KubeletNames;
  readonly #storages: StorageNames[];

  /**
   * @param folder like /var
   * @param denied called with a path that may not be read, when a container would be named by it
   */
  constructor(
    private readonly folder: string,
    private readonly denied: (path: string) => void,
    home = homeOf(),
  ) {
    this.#kubelet = new KubeletNames(join(folder, 'log/containers'));
    this.#storages = [join(home, '.local/share/containers/storage'), join(folder, 'lib/containers/storage')].map(
      (path) => new StorageNames(path),
    );
  }

  /** Returns what is known of a container, and whether there may be more soon. */
  of({ container = '', runtime, pod }: Who, now: number): { names: ContainerNames; young: boolean } {
    if (!wholeId.test(container)) return { names: {}, young: false };
    let known = this.#known.get(container);
    if (!known) {
      if (this.#known.size >= mostKnown) this.#known.delete(this.#known.oldest as string);
      known = { names: {}, first: now, next: now };
      this.#known.set(container, known);
    }
    if (now >= known.next) {
      known.names = { ...known.names, ...this.#look(container, runtime, pod, now) };
      const complete = known.names.container_name !== undefined && (pod === undefined || known.names.pod_name);
      const pause = Math.min(Math.max(retryMs, now - known.first), longestRetryMs);
      known.next = complete ? Number.POSITIVE_INFINITY : now + pause;
    }
    return { names: known.names, young: known.next < Number.POSITIVE_INFINITY && now - known.first < youngMs };
  }

  /** Forgets what was read, since containers can be renamed. */
  forget(): void {
    this.#known.clear();
  }

  /** What the kubelet says comes first: for a pod's container the runtime has only a made-up name. */
  #look(id: string, runtime: string | undefined, pod: string | undefined, now: number): ContainerNames {
    const kubelet = pod === undefined ? undefined : this.#kubelet.of(id, now, this.denied);
    const denied = kubelet && runtime === undefined ? () => {} : this.denied; // it may be another runtime's
    let own: ContainerNames | undefined;
    if (runtime === 'docker' || runtime === undefined)
      own = dockerNames(join(this.folder, 'lib/docker/containers'), id, denied);
    if (runtime === 'podman' || runtime === 'cri-o' || runtime === undefined)
      for (const storage of this.#storages) own ??= storage.of(id, now, denied);
    return { ...own, ...kubelet };
  }
}

/** The home of the user who runs this, who may be in no database: os.homedir() throws then. */
function homeOf(): string {
  try {
    return homedir();
  } catch {
    return '/nonexistent';
  }
}
