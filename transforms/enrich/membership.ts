import type { Line } from '../../schemas/pipe/line/line.js';
import { type CgroupInfo, parseCgroupPath } from './cgroup.js';
import type { Cgroups } from './cgroups.js';
import type { ContainerNames } from './container-files.js';
import type { Containers } from './containers.js';
import type { Processes } from './processes.js';
import { EventTime } from './time.js';

const maxKept = 10_000;

/** The unit, container and pod of an event's process, from its cgroup and the files of its container. */
export class Membership {
  /** Whether the last line might get more fields later. */
  incomplete = false;
  readonly #byId = new Map<string, CgroupInfo>();
  readonly #time = new EventTime();

  constructor(
    private readonly cgroups: Cgroups,
    /** Set on a host with cgroup v1. */
    private readonly processes: Processes | undefined,
    private readonly containers: Containers,
  ) {}

  /** The fields of an event that this depends on. */
  get from(): string[] {
    return this.processes ? ['cgroup', 'pid'] : ['cgroup'];
  }

  of(line: Line): CgroupInfo & ContainerNames {
    const inTree = this.#inTree(line.field('cgroup') as string | undefined);
    this.incomplete = inTree === undefined;
    const found: CgroupInfo = { ...(inTree?.container ? undefined : this.#ofProcess(line)), ...inTree };
    if (found.container === undefined) return found;
    const { names, young } = this.containers.of(found, performance.now());
    this.incomplete ||= young;
    return { ...found, ...names };
  }

  forget(): void {
    this.containers.forget();
  }

  /** Looks up a cgroup of the v2 tree by its path. Returns undefined if the path is not known yet. */
  #inTree(id: string | undefined): CgroupInfo | undefined {
    if (id === undefined) return {};
    let one = this.#byId.get(id);
    const path = one ? undefined : this.cgroups.path(id);
    if (path !== undefined) {
      one = parseCgroupPath(path);
      if (this.#byId.size >= maxKept) this.#byId.clear();
      this.#byId.set(id, one);
    }
    return one;
  }

  /** Looks up the process. The result counts as incomplete because another process may get the same PID soon. */
  #ofProcess(line: Line): CgroupInfo | undefined {
    const pid = line.field('pid');
    if (!this.processes || pid === undefined) return undefined;
    this.incomplete = true;
    return this.processes.find(pid as number, this.#time.of(line) / 1000);
  }
}
