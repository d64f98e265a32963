import type { Summary } from '../../schemas/generated/events.js';
import { printable } from '../../schemas/pipe/messages/printable.js';
import { bytes, duration } from '../../schemas/pipe/terminal/human.js';
import { type Column, shown } from './column.js';

type Fields = Summary & { [name: string]: unknown };

/** Keeps the columns of summaries while they fit what comes. */
export class SummaryColumns {
  #columns: readonly Column<Summary>[] = [];
  /** The summary these columns were made for. */
  #seen: Summary | undefined;

  constructor(private readonly time: (ts: string) => string) {}

  /** Returns the columns for a summary, and those of earlier summaries if they were of the same kind. */
  of(event: Summary): readonly Column<Summary>[] {
    const sameKind = this.#seen?.by === event.by && this.#seen.events === event.events;
    if (!this.#seen || !sameKind) this.#make(event);
    else if (!this.#fits(event)) this.#make({ ...this.#seen, ...event });
    return this.#columns;
  }

  #make(event: Summary): void {
    this.#seen = event;
    this.#columns = summaryColumns(event, this.time);
  }

  #fits(event: Summary): boolean {
    const have = new Set(this.#columns.map(({ title }) => title));
    return summaryColumns(event, this.time).every(({ title }) => have.has(title));
  }
}

/** Returns the columns for a summary: the fields of its group and its numbers. */
export function summaryColumns(event: Summary, time: (ts: string) => string): Column<Summary>[] {
  const names = event.by.split(',').map((field) => field.replace(/[/:].*/, ''));
  const groups = [...new Set(names)].filter((name) => name !== '' && name !== 'ts');
  return [
    { name: 'time', title: 'TIME', min: 8, ideal: 8, rank: 2, text: ({ ts }) => time(ts) },
    ...groups.map(
      (name, at): Column<Summary> => ({
        name,
        title: printable(name.toUpperCase()),
        min: Math.min(usual[name] ?? 5, 10),
        ideal: usual[name] ?? 5,
        text: (event) => (event.other ? (at === 0 ? '(other)' : '') : shown((event as Fields)[name])),
      }),
    ),
    { name: 'count', title: 'COUNT', min: 7, ideal: 7, right: true, text: ({ count }) => String(count) },
    ...measures(event as Fields, time),
    { name: 'result', title: '', min: 12, ideal: 24, fromStart: true, text: remarks },
  ];
}

const [address, hostName] = [15, 30];
const usual: Record<string, number> = {
  comm: 15,
  pcomm: 15,
  daddr: address,
  saddr: address,
  name: hostName,
  dest: hostName,
  exe: 20,
  error: 12,
};
const latencies = ['p50', 'p90', 'p99', 'max'];
/** The order in which columns are left out on a narrow terminal, the highest first. The others stay. */
const ranks: Record<string, number> = {
  ...{ RESENT: 14, RTT: 13, CLOSED: 12, LAST: 11, FIRST: 10, MAX: 9, P90: 8, 'PER S': 7, 'FAILED%': 5, P99: 4, P50: 3 },
};
const distinctRank = 6;

function measures(event: Fields, time: (ts: string) => string): Column<Summary>[] {
  const column = (
    title: string,
    name: string,
    text = (value: unknown) => String(value),
    has = event[name] !== undefined,
    rank = ranks[title],
  ): Column<Summary>[] => {
    const width = Math.max(7, title.length);
    const textOf = (one: Summary) => ((one as Fields)[name] === undefined ? '-' : text((one as Fields)[name]));
    return has ? [{ name, title, min: width, ideal: width, right: true, ...(rank && { rank }), text: textOf }] : [];
  };
  const distinct = Object.keys(event).filter((name) => /^distinct_(?!.*_sketch$)/.test(name));
  return [
    ...column('PENDING', 'pending'),
    // Summaries of connect events have `errors` but not `failed`: what fails later is unknown.
    ...column('FAILED', 'failed', String, event.failed !== undefined || event.errors !== undefined),
    ...column('FAILED%', 'failed_ratio', (ratio) => ((ratio as number) * 100).toFixed(1)),
    ...latencies.flatMap((name) => column(name.toUpperCase(), `latency_${name}_us`, (us) => duration(us as number))),
    ...column('PER S', 'rate'),
    ...column('CLOSED', 'closed'),
    ...column('SENT', 'bytes_sent', (size) => bytes(size as number)),
    ...column('RECEIVED', 'bytes_received', (size) => bytes(size as number)),
    ...column('RESENT', 'segs_retransmitted'),
    ...column('DURATION', 'duration_p50_us', (us) => duration(us as number)),
    ...column('RTT', 'rtt_p50_us', (us) => duration(us as number)),
    ...column('FIRST', 'first', (ts) => time(ts as string)),
    ...column('LAST', 'last', (ts) => time(ts as string)),
    ...distinct.flatMap((name) =>
      column(printable(`${name.slice(9).toUpperCase()}S`), name, String, true, distinctRank),
    ),
  ];
}

/** Lists the failures by result, and what is missing: `refused 3, timeout 1`, `-- 17 lost --`. */
export function remarks(event: Summary): string {
  const results = Object.entries(event).flatMap(([name, count]) => {
    const [, result] = /^result_(?!established)(\w+)$/.exec(name) ?? [];
    return result ? [`${result} ${count}`] : [];
  });
  const missing = [
    ...(event.lost ? [`${event.lost} lost`] : []),
    ...(event.invalid ? [`${event.invalid} invalid`] : []),
    ...(event.untracked ? [`${event.untracked} untracked`] : []),
  ];
  return [results.join(', '), missing.length > 0 ? `-- ${missing.join(', ')} --` : ''].filter(Boolean).join(' ');
}
