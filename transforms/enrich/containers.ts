import { homedir } from 'node:os';
import { join } from 'node:path';
import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';
import type { CgroupInfo } from './cgroup.js';
import { type ContainerNames, dockerNames, inLogs, inStorage, type NamesInFolder } from './container-files.js';

const maxContainers = 10_000;
/** The first pause before a container without names is looked up again. The pauses grow up to the longest. */
const retryMs = 1_000;
const longestRetryMs = 60_000;
/** How long after its first event a container is young: its files may still be written. */
const youngMs = 10_000;
const wholeId = /^[0-9a-f]{64}$/;

interface Container {
  names: ContainerNames;
  first: number;
  next: number;
}

/** The names of containers and pods, from the files that a node keeps about them. */
export class Containers {
  readonly #known = new AgingMap<string, Container>();
  readonly #kubelet: NamesInFolder;
  readonly #storages: NamesInFolder[];

  /**
   * @param folder /var, or the folder that stands for it
   * @param denied called with the path of a file that would name a container but may not be read
   */
  constructor(
    private readonly folder: string,
    private readonly denied: (path: string) => void,
    home = homeOf(),
  ) {
    this.#kubelet = inLogs(join(folder, 'log/containers'));
    this.#storages = [join(home, '.local/share/containers/storage'), join(folder, 'lib/containers/storage')].map(
      inStorage,
    );
  }

  /** Returns the names of a container, and whether it is young: it may get more names soon. */
  of({ container = '', runtime, pod }: CgroupInfo, now: number): { names: ContainerNames; young: boolean } {
    if (!wholeId.test(container)) return { names: {}, young: false };
    let known = this.#known.get(container);
    if (!known) {
      if (this.#known.size >= maxContainers) this.#known.delete(this.#known.oldest as string);
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

  /** Forgets all names, because containers can be renamed. */
  forget(): void {
    this.#known.clear();
  }

  /** Looks up the names. Those of the kubelet win: for a pod's container, the runtime has only a generated name. */
  #look(id: string, runtime: string | undefined, pod: string | undefined, now: number): ContainerNames {
    const kubelet = pod === undefined ? undefined : this.#kubelet.of(id, now, this.denied);
    const denied = kubelet && runtime === undefined ? () => {} : this.denied; // the container may belong to another runtime
    let own: ContainerNames | undefined;
    if (runtime === 'docker' || runtime === undefined)
      own = dockerNames(join(this.folder, 'lib/docker/containers'), id, denied);
    if (runtime === 'podman' || runtime === 'cri-o' || runtime === undefined)
      for (const storage of this.#storages) own ??= storage.of(id, now, denied);
    return { ...own, ...kubelet };
  }
}

/** Returns the home of the current user. os.homedir() throws if the user is in no database. */
function homeOf(): string {
  try {
    return homedir();
  } catch {
    return '/nonexistent';
  }
}
