import type { Closed, Connect, Dns, Lost, Open, Outcome, Pending, Status } from '../../schemas/generated/events.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';
import type { Control, Output, Stage } from '../../schemas/pipe/stage/stage.js';
import { painter } from '../../schemas/pipe/terminal/colour.js';
import { count } from '../../schemas/pipe/terminal/human.js';
import { ready } from '../../schemas/pipe/terminal/shorten.js';
import type { Predicate } from '../../schemas/where/on.js';
import { Clock } from '../terminal/clock.js';
import { type Attempt, callTime, isOver, mainOf } from './attempt.js';
import { type Group, Groups } from './groups.js';
import { Lookups } from './lookups.js';
import { storyOf, storyOfLookup } from './steps.js';
import { StoryWriter } from './write.js';

export interface WhyOptions {
  /** Selects events. An attempt is selected if one of its events is. */
  keep?: Predicate | undefined;
  /** The name of a host or a program that they must have. */
  name?: string | undefined;
  /** Whether to write each new story as soon as it is over. */
  live?: boolean;
  /** Whether the input is a collector that has just been started, with --status and --report outcome,closed. */
  starts?: boolean;
  /** How many stories to write at the end. */
  top?: number;
  utc?: boolean | undefined;
  colour?: boolean;
  /** The width of the lines. */
  columns?: number;
  /** Returns why the input ended too early, if it did. */
  failure?: () => Error | undefined;
}

/** How many attempts that are not over to remember. */
const mostOpen = 10_000;
/** Live, it says after this time (ms) what it waits for. */
const patienceMs = 3_000;
const waitingText = 'waiting for the first event; Ctrl-C stops';

/** Shows the whole story of attempts: look-up, call, handshake, end. Attempts with the same story are written once. */
export class Why implements Stage {
  readonly name = 'synpipe why';
  readonly traits = { sink: true };
  readonly control: Control = {
    skipped: (lines) => {
      this.#missing += lines;
    },
  };
  readonly #open = new AgingMap<string, Attempt>();
  readonly #lookups = new Lookups();
  readonly #groups = new Groups();
  readonly #waiting = new Groups();
  readonly #writer: StoryWriter;
  #hasEnds: boolean;
  #missing = 0;
  #written = 0;
  #hint: NodeJS.Timeout | undefined;

  constructor(private readonly options: WhyOptions = {}) {
    const { columns = 80, utc, colour = false, starts = false } = options;
    this.#hasEnds = starts;
    this.#writer = new StoryWriter(columns, new Clock(utc), painter(colour));
  }

  open(): Promise<void> | undefined {
    if (this.options.starts) this.#hintLater('the collector is starting');
    else if (this.options.live) this.#hintLater(waitingText);
    return ready(['世']); // names may have wide characters
  }

  #hintLater(text: string): void {
    clearTimeout(this.#hint);
    this.#hint = setTimeout(() => logMessage(this.name, text), patienceMs);
  }

  close(): void {
    clearTimeout(this.#hint);
  }

  line(line: Line, out: Output): void {
    switch (line.type) {
      case 'connect':
      case 'pending':
      case 'outcome':
      case 'open':
      case 'closed':
        this.#attempt(line, out);
        break;
      case 'dns':
        this.#lookup(line, out);
        break;
      case 'lost':
        if ((line.event as Lost).where !== 'update') this.#missing += (line.event as Lost).count;
        break;
      case 'status': // of the collector, which traces from now on
        if (this.options.starts && (line.event as Status).phase === 'start') this.#hintLater(waitingText);
        out.drop();
        return;
      default:
        out.drop();
        return;
    }
    clearTimeout(this.#hint);
    out.stored(1);
  }

  finish(out: Output): boolean {
    for (const attempt of this.#open.values()) this.#end(attempt, out);
    this.#open.clear();
    this.#writeAll(out);
    const failure = this.options.failure?.();
    if (failure) throw failure;
    if (this.#written === 0) logMessage(this.name, this.#nothing());
    return false;
  }

  #nothing(): string {
    const { keep, name } = this.options;
    if (name !== undefined) return `no attempt is by a program ${name} or to a host ${name}`;
    return keep ? 'no attempt matched' : 'there were no attempts';
  }

  #attempt(line: Line, out: Output): void {
    const event = line.event as Connect | Pending | Outcome | Open | Closed;
    const key = `${event.id} ${(event as { host?: string }).host ?? ''}`;
    let attempt = this.#open.get(key);
    if (attempt && isNext(attempt, event)) {
      this.#end(attempt, out);
      this.#open.delete(key);
      attempt = undefined;
    }
    if (!attempt) {
      attempt = { matches: false };
      this.#open.set(key, attempt);
    }
    if (event.type === 'open' || event.type === 'closed') this.#hasEnds = true;
    Object.assign(attempt, { [event.type]: event });
    if (!attempt.matches) attempt.matches = this.options.keep?.(line) ?? true;
    if (event.type === 'pending') this.#waits(attempt, out);
    if (isOver(attempt)) {
      this.#open.delete(key);
      this.#end(attempt, out);
    } else if (this.#open.size > mostOpen) {
      const oldest = this.#open.oldest as string;
      this.#end(this.#open.get(oldest) as Attempt, out);
      this.#open.delete(oldest);
    }
  }

  #lookup(line: Line, out: Output): void {
    const event = line.event as Dns;
    const matches = this.options.keep?.(line) ?? true;
    if (event.error === undefined) this.#lookups.add(event, matches);
    else if (matches && !event.search) this.#show(this.#groups.lookup(event, storyOfLookup(event)), out);
  }

  /** Live, the first attempt of a kind that hangs is shown while it hangs. */
  #waits(attempt: Attempt, out: Output): void {
    if (!this.options.live || !this.#isSelected(attempt)) return;
    const group = this.#waiting.attempt(attempt, storyOf(attempt, this.#hasEnds));
    if (!group.written) attempt.shown = attempt.pending as Pending;
    this.#show(group, out);
  }

  #end(attempt: Attempt, out: Output): void {
    if (!this.#isSelected(attempt)) return;
    const group = this.#groups.attempt(attempt, storyOf(attempt, this.#hasEnds));
    const isShown = attempt.shown !== undefined && attempt.shown === mainOf(attempt);
    if (isShown && group.count === 1) group.written = true;
    this.#show(group, out);
  }

  /** Returns whether an attempt or its look-up was selected. Adds the look-up to the attempt. */
  #isSelected(attempt: Attempt): boolean {
    const found = this.#lookups.of(mainOf(attempt), callTime(attempt));
    attempt.lookup = found?.event;
    return attempt.matches || found?.matches === true;
  }

  /** Writes a story that was not written before, if each is written as soon as it is over. */
  #show(group: Group, out: Output): void {
    if (!this.options.live || group.written) return;
    this.#write(group, out);
  }

  #write(group: Group, out: Output): void {
    const gap = this.#written++ > 0 ? [''] : [];
    group.written = true;
    out.write([...gap, ...this.#writer.lines(group)].join('\n'));
  }

  /** Writes what was not written yet, and how many attempts had stories that were. */
  #writeAll(out: Output): void {
    const { live, top = 20 } = this.options;
    const all = this.#groups.sorted();
    const again = live ? all.filter(({ written, count }) => written && count > 1) : [];
    const fresh = all.filter(({ written }) => !written);
    for (const group of fresh.slice(0, top)) this.#write(group, out);
    if (again.length > 0) out.write('');
    for (const group of again.slice(0, top)) out.write(this.#writer.again(group).join('\n'));
    const rest = [...fresh.slice(top), ...again.slice(top)];
    const attempts = rest.reduce((sum, one) => sum + one.count, this.#groups.dropped);
    if (attempts > 0)
      out.write(
        `\nand ${count(rest.length)} more stories of ${count(attempts)} attempts; select with a filter, or use --top`,
      );
    if (this.#missing > 0) out.write(`\n${count(this.#missing)} events are missing from the input (lost or invalid)`);
  }
}

/** Returns whether an event belongs to the next attempt of the same socket: it has the same id. */
function isNext({ outcome, connect }: Attempt, { type }: { type: string }): boolean {
  return outcome !== undefined ? type !== 'open' && type !== 'closed' : type === 'connect' && connect !== undefined;
}
