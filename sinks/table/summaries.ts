import type { Summary } from '../../schemas/generated/events.js';
import { printable } from '../../schemas/pipe/messages/printable.js';
import { type Column, clock, milliseconds } from './cells.js';

type Fields = Summary & { [name: string]: unknown };

/** Returns the columns for a summary: the fields of its group and its numbers. */
export function summaries(event: Summary): Column<Summary>[] {
  const names = event.by.split(',').map((field) => field.replace(/[/:].*/, ''));
  const groups = [...new Set(names)].filter((name) => name !== '' && name !== 'ts');
  return [
    { title: 'TIME', width: 8, text: ({ ts }) => clock(ts) },
    ...groups.map(
      (name, at): Column<Summary> => ({
        title: printable(name.toUpperCase()),
        width: usual[name] ?? 5,
        text: (event) => (event.other ? (at === 0 ? '(other)' : '') : shown((event as Fields)[name])),
      }),
    ),
    { title: 'COUNT', width: 7, right: true, text: ({ count }) => String(count) },
    ...measures(event as Fields),
    { title: '', width: 0, text: remarks },
  ];
}

/** Returns whether columns made for another summary include all of this one's. */
export function fits(columns: readonly Column<Summary>[], event: Summary): boolean {
  const have = new Set(columns.map(({ title }) => title));
  return summaries(event).every(({ title }) => have.has(title));
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

function measures(event: Fields): Column<Summary>[] {
  const column = (
    title: string,
    name: string,
    text = (value: unknown) => String(value),
    has = event[name] !== undefined,
  ): Column<Summary>[] =>
    !has
      ? []
      : [
          {
            title,
            width: 7,
            right: true,
            text: (one) => ((one as Fields)[name] === undefined ? '-' : text((one as Fields)[name])),
          },
        ];
  const distinct = Object.keys(event).filter((name) => /^distinct_(?!.*_sketch$)/.test(name));
  return [
    ...column('PENDING', 'pending'),
    // Summaries of connect events have `errors` but not `failed`: what fails later is unknown.
    ...column('FAILED', 'failed', String, event.failed !== undefined || event.errors !== undefined),
    ...column('FAILED%', 'failed_ratio', (ratio) => ((ratio as number) * 100).toFixed(1)),
    ...latencies.flatMap((name) =>
      column(`${name.toUpperCase()} MS`, `latency_${name}_us`, (us) => milliseconds(us as number)),
    ),
    ...column('PER S', 'rate'),
    ...column('FIRST', 'first', (ts) => clock(ts as string)),
    ...column('LAST', 'last', (ts) => clock(ts as string)),
    ...distinct.flatMap((name): Column<Summary>[] => column(printable(`${name.slice(9).toUpperCase()}S`), name)),
  ];
}

/** Lists the failures by result, and what is missing: `refused 3, timeout 1`, `-- 17 lost --`. */
function remarks(event: Summary): string {
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

function shown(value: unknown): string {
  if (value === undefined) return '-';
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}
