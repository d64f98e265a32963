/** What one attempt's lines say, as the page shows it. */
export interface Attempt {
  readonly id: string;
  /** When it was told, in ms since 1970. */
  readonly at: number;
  /** The name of the process, and the field that has it. */
  readonly process: string;
  readonly processField: 'pcomm' | 'comm';
  readonly pid: number;
  /** The name of the destination, or its address. */
  readonly to: string;
  readonly toField: 'name' | 'daddr';
  readonly port: number;
  /** How it ended; the call's error, or nothing, where only that is known. */
  result: string;
  failed: boolean;
  ms: number | undefined;
  /** Its connect and its outcome, as they came. */
  readonly lines: string[];
}

interface Event {
  type: string;
  ts: string;
  id: string;
  pid: number;
  comm: string;
  pcomm?: string;
  name?: string;
  daddr: string;
  dport: number;
  result?: string;
  error?: string;
  latency_us?: number;
}

function ending({ type, result = '', error = '', latency_us }: Event): Pick<Attempt, 'result' | 'failed' | 'ms'> {
  if (type === 'connect') return { result: error, failed: error !== '', ms: undefined };
  const told = result === 'error' ? error : result;
  const ms = latency_us === undefined ? undefined : latency_us / 1000;
  return { result: told, failed: result !== 'established', ms };
}

function attempt(event: Event, line: string): Attempt {
  const { id, ts, pid, pcomm, comm, name, daddr, dport } = event;
  return {
    id,
    at: Date.parse(ts),
    process: pcomm ?? comm,
    processField: pcomm === undefined ? 'comm' : 'pcomm',
    pid,
    to: name ?? daddr,
    toField: name === undefined ? 'daddr' : 'name',
    port: dport,
    lines: [line],
    ...ending(event),
  };
}

/** The attempts of the last lines, in the order they came; a connect and its outcome are one. */
export class Model {
  #attempts: Attempt[] = [];
  #first = 0; // those before it are forgotten
  #lines = 0;
  readonly #byId = new Map<string, Attempt>();
  /** As many lines are kept. */
  keep = 20_000;
  newest = 0;

  add(line: string): void {
    const event = JSON.parse(line) as Event;
    const known = event.type === 'outcome' ? this.#byId.get(event.id) : undefined;
    if (known) {
      Object.assign(known, ending(event));
      known.lines.push(line);
    } else {
      const made = attempt(event, line);
      this.#attempts.push(made);
      this.#byId.set(made.id, made);
      if (made.at > this.newest) this.newest = made.at;
    }
    this.#lines++;
    while (this.#lines > this.keep) this.#forget();
  }

  clear(): void {
    this.#attempts = [];
    this.#first = this.#lines = this.newest = 0;
    this.#byId.clear();
  }

  /** The attempts that hold, oldest first. */
  select(holds: (attempt: Attempt) => boolean): Attempt[] {
    const chosen: Attempt[] = [];
    for (let i = this.#first; i < this.#attempts.length; i++) {
      const one = this.#attempts[i] as Attempt;
      if (holds(one)) chosen.push(one);
    }
    return chosen;
  }

  #forget(): void {
    const gone = this.#attempts[this.#first++] as Attempt;
    this.#lines -= gone.lines.length;
    if (this.#byId.get(gone.id) === gone) this.#byId.delete(gone.id);
    if (this.#first < 4096 || this.#first < this.#attempts.length / 2) return;
    this.#attempts = this.#attempts.slice(this.#first);
    this.#first = 0;
  }
}
