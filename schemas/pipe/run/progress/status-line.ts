/** What there is to tell. */
export interface ProgressState {
  name: string;
  events: number;
  /** Events a second, lately. */
  perSecond: number;
  lost: number;
  /** Of a file: how much of it was read, 0 to 1. */
  done?: number;
  /** Of a live stream: the age of its newest event, in seconds. */
  behind?: number;
}

/** `1,234,567` */
const grouped = (number: number) => String(number).replace(/\B(?=(\d{3})+$)/g, ',');

/** One line of at most so many characters: what matters most comes first. */
export function statusLine(shown: ProgressState, width: number, colour: boolean): string {
  const { name, events, perSecond, lost, done, behind } = shown;
  const parts = [
    ...(done === undefined ? [] : [`${Math.floor(done * 100)} %`]),
    `${grouped(events)} ${events === 1 ? 'event' : 'events'}`,
    `${perSecond < 9.95 ? perSecond.toFixed(1) : grouped(Math.round(perSecond))}/s`,
    `${grouped(lost)} lost`,
    ...(behind === undefined ? [] : [`${age(Math.max(0, behind))} behind`]),
  ];
  const text = `${name}: ${parts.join(', ')}`.slice(0, width);
  return colour && lost > 0 ? text.replace(/[\d,]+ lost/, '\x1b[1;31m$&\x1b[m') : text;
}

/** `0.3 s`, `42 s`, `5 min`, `7 h`, `3 d` */
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
