import { median, type Run } from './measure.js';

/** A program's results in a case. */
export interface Row {
  case: string;
  what: string;
  /** How many events it was given; undefined if only the time counts. */
  events?: number;
  note?: string;
  /** By round; for latency, the microseconds of each event. */
  runs: Run[] | number[];
}

/** The rows of a case come from one run of the bench, in which the programs took turns. */
export interface Measured {
  /** The first paragraph: machine and data. */
  about: string;
  rows: Row[];
  /** By case: the date, and the load average before it. */
  when: Record<string, string>;
  /** What each program checks, and which programs are missing. */
  notes: string[];
}

const centile = (list: readonly number[], part: number) =>
  [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))] as number;

/** Returns the tables, in Markdown. */
export function report({ about, rows, when, notes }: Measured): string {
  const parts = [`${about}\n`];
  for (const name of new Set(rows.map((row) => row.case))) {
    const group = rows.filter((row) => row.case === name);
    parts.push(`### ${name}\n`, ...(name.startsWith('latency') ? latencies(group) : rates(name, group)));
    parts.push('', `${when[name]}.`, '');
  }
  return `${[...parts, ...notes].join('\n')}\n`;
}

function latencies(group: readonly Row[]): string[] {
  const line = ({ what, runs }: Row) =>
    `| ${[what, ...[0.5, 0.99].map((part) => Math.round(centile(runs as number[], part)))].join(' | ')} |`;
  return ['| one event through | p50, µs | p99, µs |', '|---|---|---|', ...group.map(line)];
}

/** Ratios are medians of the ratios of each round, in which the programs took turns. */
function rates(name: string, group: readonly Row[]): string[] {
  const first = group[0] as Row;
  const timed = first.events === undefined;
  const filter = name.startsWith('filter');
  // What a program takes in each round: time, or CPU time, per event.
  const needs = ({ runs, events = 1 }: Row, key: 'seconds' | 'cpu') => (runs as Run[]).map((run) => run[key] / events);
  const shown = (row: Row, key: 'seconds' | 'cpu') => {
    const one = median(needs(row, key));
    return timed ? (one * 1000).toFixed(1) : Math.round(1 / one / 1000);
  };
  const ratio = (row: Row, key: 'seconds' | 'cpu') => {
    const base = needs(first, key);
    const more = median(needs(row, key).map((one, round) => one / (base[round] as number)));
    return (timed || filter ? more : 1 / more).toFixed(2);
  };
  const heads = timed ? ['ms', 'CPU, ms'] : ['k events/s', 'k events per CPU second'];
  const compared = filter ? `${first.what} is × this` : `×, to ${first.what}`;
  return [
    `| | ${heads[0]} | ${compared} | ${heads[1]} | the same by CPU | peak RSS, MiB | |`,
    '|---|---|---|---|---|---|---|',
    ...group.map((row) => {
      const rss = (median((row.runs as Run[]).map((run) => run.rss)) / 1024).toFixed(0);
      const numbers = (['seconds', 'cpu'] as const).flatMap((key) => [shown(row, key), ratio(row, key)]);
      return `| ${[row.what, ...numbers, rss, row.note ?? ''].join(' | ')} |`;
    }),
  ];
}
