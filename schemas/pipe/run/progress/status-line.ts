import { count, counted } from '../../terminal/human.js';

/** What the status line shows. */
export interface ProgressState {
  name: string;
  events: number;
  /** Events per second since the last update. */
  perSecond: number;
  lost: number;
  /** For a file: the share that was read, 0 to 1. */
  done?: number;
  /** For a live stream: the age of its newest event, in seconds. */
  behind?: number;
}

/** Returns one line of at most `width` characters, with the most important parts first. */
export function statusLine(shown: ProgressState, width: number, colour: boolean): string {
  const { name, events, perSecond, lost, done, behind } = shown;
  const parts = [
    ...(done === undefined ? [] : [`${Math.floor(done * 100)} %`]),
    counted(events, 'event'),
    `${perSecond < 9.95 ? perSecond.toFixed(1) : count(Math.round(perSecond))}/s`,
    `${count(lost)} lost`,
    ...(behind === undefined ? [] : [`${age(Math.max(0, behind))} behind`]),
  ];
  const text = `${name}: ${parts.join(', ')}`.slice(0, width);
  return colour && lost > 0 ? text.replace(/[\d,]+ lost/, '\x1b[1;31m$&\x1b[m') : text;
}

/** Formats as `0.3 s`, `42 s`, `5 min`, `7 h` or `3 d`. */
function age(seconds: number): string {
  const [size, unit] = (
    [
      [86_400, 'd'],
      [3_600, 'h'],
      [60, 'min'],
    ] as const
  ).find(([size]) => seconds >= 2 * size) ?? [1, 's'];
  return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds / size)} ${unit}`;
}
