import type { Line } from '../../schemas/pipe/line/line.js';
import { type Who, who } from './cgroup.js';
import type { Cgroups } from './cgroups.js';
import type { ContainerNames } from './container-files.js';
import type { Containers } from './containers.js';
import type { Processes } from './processes.js';
import { EventTime } from './time.js';

const mostKept = 10_000;

/** What the cgroup of an event's process says, and the files of its container. */
export class Membership {
  /** The last line may get more later. */
  unknown = false;
  readonly #known = new Map<string, Who>();
  readonly #time = new EventTime();

  constructor(
    private readonly cgroups: Cgroups,
    /** On a host with cgroup v1: who a process is. */
    private readonly processes: Processes | undefined,
    private readonly containers: Containers,
  ) {}

  /** The fields of an event that say what. */
  get from(): string[] {
    return this.processes ? ['cgroup', 'pid'] : ['cgroup'];
  }

  of(line: Line): Who & ContainerNames {
    const inTree = this.#inTree(line.field('cgroup') as string | undefined);
    this.unknown = inTree === undefined;
    const found: Who = { ...(inTree?.container ? undefined : this.#ofProcess(line)), ...inTree };
    if (found.container === undefined) return found;
    const { names, young } = this.containers.of(found, performance.now());
    this.unknown ||= young;
    return { ...found, ...names };
  }

  forget(): void {
    this.containers.forget();
  }

  /** By the cgroup's path in the v2 tree. Undefined if that is not known, and may be later. */
  #inTree(id: string | undefined): Who | undefined {
    if (id === undefined) return {};
    let one = this.#known.get(id);
    const path = one ? undefined : this.cgroups.path(id);
    if (path !== undefined) {
      one = who(path);
      if (this.#known.size >= mostKept) this.#known.clear();
      this.#known.set(id, one);
    }
    return one;
  }

  /** By the process, which may be another with the same PID soon: then it is looked at again. */
  #ofProcess(line: Line): Who | undefined {
    const pid = line.field('pid');
    if (!this.processes || pid === undefined) return undefined;
    this.unknown = true;
    return this.processes.who(pid as number, this.#time.of(line) / 1000);
  }
}
