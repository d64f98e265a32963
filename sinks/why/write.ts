import { wrap } from '../../schemas/pipe/command/help.js';
import { isoText } from '../../schemas/pipe/line/moment.js';
import type { Paint, Style } from '../../schemas/pipe/terminal/colour.js';
import { bytes, count, duration } from '../../schemas/pipe/terminal/human.js';
import { pad, shorten, width } from '../../schemas/pipe/terminal/shorten.js';
import type { Clock } from '../terminal/clock.js';
import type { Group } from './groups.js';
import type { State } from './steps.js';

const styles: Record<State, Style[]> = { failed: ['red'], pending: ['yellow'], broken: ['red'], good: [] };
/** The columns of a step: its time of day, and the time since the call. */
const [timeColumn, sinceColumn] = [12, 10];
const indent = 2 + timeColumn + sinceColumn + 2;

/** A number and its unit, which stay in one line. */
const number = /(\d) (µs|ms|s|m|h|d|[kMGT]?B|SYNs)\b/g;

/** Formats stories for people, in lines of at most `columns` columns. */
export class StoryWriter {
  #day = '';

  constructor(
    private readonly columns: number,
    private readonly clock: Clock,
    private readonly paint: Paint,
  ) {}

  /** Returns a group as lines: its title, the steps of its first story, and how many others have the same. */
  lines(group: Group): string[] {
    const { state, call, steps } = group.story;
    const lines = [this.head(group)];
    const day = this.clock.day(iso(call));
    if (day !== this.#day) lines.unshift(this.paint(`-- ${day} --`, 'dim'));
    this.#day = day;
    for (const [index, { at, text }] of steps.entries()) {
      const isLast = index === steps.length - 1;
      const [first = '', ...more] = this.#wrap(text, this.columns - indent);
      const time = at === undefined ? '' : this.#timeOf(at);
      const since = at === undefined || at === call ? '' : sinceText(at - call);
      const left = `  ${pad(time, timeColumn)}${pad(since, sinceColumn, true)}  `;
      const style = isLast ? styles[state] : [];
      lines.push(this.paint(left, 'dim') + this.paint(first, ...style));
      for (const line of more) lines.push(' '.repeat(indent) + this.paint(line, ...style));
    }
    if (group.count > 1) lines.push(...this.#sum(group, `${count(group.count)} × in all, `));
    return lines.map((line) => line.trimEnd());
  }

  /** Returns a group as a title that says how it ended; `start` is put in front. */
  head({ title, story: { state, end } }: Group, start = ''): string {
    const head = shorten(title, Math.max(20, this.columns - width(start + end) - 2));
    return `${this.paint(start + head, 'bold')}: ${this.paint(end, ...styles[state])}`;
  }

  /** Returns the lines that say how often a story has come that was shown before. */
  again(group: Group): string[] {
    return [this.head(group, `${count(group.count)} × `), ...this.#sum(group)];
  }

  #sum({ last, shortest, longest, sent, received }: Group, start = ''): string[] {
    const took = longest > 0 ? `, in ${rangeText(shortest, longest)}` : '';
    const sum = sent + received > 0 ? `; ${bytes(sent)} sent and ${bytes(received)} received` : '';
    const lines = this.#wrap(`${start}the last at ${this.#timeOf(last)}${took}${sum}`, this.columns - 2);
    return lines.map((line) => `  ${this.paint(line, 'bold')}`);
  }

  #wrap(text: string, limit: number): string[] {
    const whole = text.replace(number, '$1\u00a0$2');
    return wrap(whole, limit).map((line) => shorten(line, limit).replaceAll('\u00a0', ' '));
  }

  #timeOf(at: number): string {
    const ts = iso(at);
    return `${this.clock.time(ts)}${ts.slice(19, 23)}`;
  }
}

/** Returns a time as a `ts`, with milliseconds. */
const iso = (us: number) => isoText(Math.floor(us / 1_000));

const sinceText = (us: number) => `${us < 0 ? '-' : '+'}${duration(Math.abs(us))}`;

function rangeText(shortest: number, longest: number): string {
  const [from, to] = [duration(shortest), duration(longest)];
  return from === to ? to : `${from} to ${to}`;
}
