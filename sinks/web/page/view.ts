import type { Attempt } from './model.js';

/** What the page shows: its filter, search, time and order. The URL's fragment has all of it, so that a view can be shared. */
export interface View {
  where: string;
  search: string;
  /** The last seconds to show; 0 shows all. */
  last: number;
  /** The selected time range (ms since the epoch), instead of `last`. */
  range: { from: number; to: number } | undefined;
  sort: Column;
  descending: boolean;
}

export const columns = ['time', 'process', 'pid', 'destination', 'result', 'latency'] as const;
export type Column = (typeof columns)[number];

/** Reads a view from the URL's fragment. Ignores what is not valid. */
export function parseView(fragment: string): View {
  const given = new URLSearchParams(fragment.replace(/^#/, ''));
  const [from, to] = [Date.parse(given.get('from') ?? ''), Date.parse(given.get('to') ?? '')];
  const last = Number(given.get('last'));
  const [, sign, name] = /^(-?)(.*)$/.exec(given.get('sort') ?? '-time') as RegExpExecArray;
  const sort = columns.find((column) => column === name);
  return {
    where: given.get('where')?.trim() ?? '',
    search: given.get('search') ?? '',
    last: [60, 300, 900].includes(last) ? last : 0,
    range: from < to ? { from, to } : undefined,
    sort: sort ?? 'time',
    descending: sort === undefined || sign === '-',
  };
}

/** Returns the view as the URL's fragment, without what is the default. */
export function formatView({ where, search, last, range, sort, descending }: View): string {
  const all = {
    where,
    search,
    last: range || last === 0 ? '' : String(last),
    from: range ? new Date(range.from).toISOString() : '',
    to: range ? new Date(range.to).toISOString() : '',
    sort: sort === 'time' && descending ? '' : `${descending ? '-' : ''}${sort}`,
  };
  return new URLSearchParams(Object.entries(all).filter(([, value]) => value !== '')).toString();
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Returns the shell command that selects from a recording what the page shows between two times (ms since the epoch).
 * `Infinity` means no limit. Returns an empty text if everything is shown.
 */
export function commandOf({ where, search }: View, from: number, to: number): string {
  const time = (at: number) => new Date(at).toISOString().slice(0, -1);
  const times = [
    ...(from > 0 ? [`(ts >= ${time(from)}000Z or type == pending)`] : []),
    ...(to < Number.POSITIVE_INFINITY ? [`(start <= ${time(to)}999Z or not start and ts <= ${time(to)}999Z)`] : []),
  ];
  const all = [where !== '' && times.length > 0 ? `(${where})` : where, ...times].filter((part) => part !== '');
  return [
    ...(all.length > 0 ? [`filter --where ${quoted(all.join(' and '))}`] : []),
    ...(search === '' ? [] : [`grep -iF -e ${quoted(search)}`]),
  ].join(' | ');
}

const keys: Record<Column, (one: Attempt) => number | string> = {
  time: ({ at }) => at,
  process: ({ process }) => process,
  pid: ({ pid = -1 }) => pid,
  destination: ({ endpoint }) => endpoint,
  result: ({ failed, result }) => `${Number(failed)}${result}`,
  latency: ({ ms = -1 }) => ms,
};

/** Returns whether a column is sorted in descending order at first: the newest, failed or slowest attempts matter most. */
export const falls = (column: Column) => ['time', 'result', 'latency'].includes(column);

/** Sorts attempts that are given newest first. */
export function sorted(newest: Attempt[], { sort, descending }: View): Attempt[] {
  if (sort === 'time' && descending) return newest;
  const [key, sign] = [keys[sort], descending ? -1 : 1];
  return newest.sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    return a < b ? -sign : a > b ? sign : 0;
  });
}
