import type { Outcome } from '../../schemas/generated/events.js';
import { printable } from '../../schemas/pipe/messages/printable.js';
import { endpoint } from '../../schemas/pipe/terminal/endpoint.js';
import { Bounded } from '../terminal/bounded.js';
import { type Attempt, mainOf, whoOf } from './attempt.js';
import { type Story, states } from './steps.js';

/** How many groups to keep. */
const most = 5_000;

/** Attempts with the same story. */
export interface Group {
  /** `curl → db.example.com:5432` */
  title: string;
  /** The story of the first one. */
  story: Story;
  count: number;
  /** The time of the last one's call, in µs since 1970. */
  last: number;
  /** The shortest and the longest time until the outcome (µs). */
  shortest: number;
  longest: number;
  sent: number;
  received: number;
  /** Whether it has been written. */
  written: boolean;
}

/** Groups attempts by story. Its memory is bounded: of too many groups, it drops those with few attempts that did not fail. */
export class Groups {
  readonly #groups = new Bounded<Group>(
    most,
    ({ story, count }) => Math.log2(count) - states.indexOf(story.state),
    ({ written, count }) => {
      if (!written) this.dropped += count;
    },
  );
  /** How many attempts were in groups that had to be dropped. */
  dropped = 0;

  /** Adds an attempt. Returns its group. */
  attempt(attempt: Attempt, story: Story): Group {
    const event = mainOf(attempt);
    const { daddr, name } = event;
    const to = endpoint(event);
    const title = `${printable(whoOf(event))} → ${to}${name === undefined ? '' : ` (${daddr})`}`;
    const { latency_us, repeat = 1 } = (attempt.outcome ?? attempt.closed ?? {}) as Partial<Outcome>;
    const group = this.#add(title, story, repeat);
    if (latency_us !== undefined) {
      group.shortest = Math.min(group.shortest, latency_us);
      group.longest = Math.max(group.longest, latency_us);
    }
    group.sent += (attempt.closed ?? attempt.open)?.bytes_sent ?? 0;
    group.received += (attempt.closed ?? attempt.open)?.bytes_received ?? 0;
    return group;
  }

  /** Adds a failed look-up. Returns its group. */
  lookup(event: { name: string; pcomm?: string; comm?: string; repeat?: number }, story: Story): Group {
    return this.#add(`${printable(whoOf(event))} → ${printable(event.name)}`, story, event.repeat ?? 1);
  }

  /** Returns all groups: the failed first, and those with many attempts before those with few. */
  sorted(): Group[] {
    const rank = ({ story }: Group) => states.indexOf(story.state);
    return [...this.#groups.values()].sort(
      (a, b) => rank(a) - rank(b) || b.count - a.count || a.story.call - b.story.call,
    );
  }

  #add(title: string, story: Story, times: number): Group {
    const key = [title, story.end, ...story.steps.filter(isTelling).map(({ kind }) => kind)].join('\n');
    const group = this.#groups.at(key, () => {
      const times = { shortest: Number.POSITIVE_INFINITY, longest: 0, last: story.call };
      return { title, story, count: 0, ...times, sent: 0, received: 0, written: false };
    });
    group.count += times;
    group.last = Math.max(group.last, story.call);
    return group;
  }
}

/** Whether a step makes a story different: a name that is still cached needs no new look-up. */
const isTelling = ({ kind }: { kind: string }) => kind !== 'look-up';
