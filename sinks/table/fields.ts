import { attemptTypes } from '../../schemas/attempts.js';
import { kinds } from '../../schemas/generated/kinds.js';
import { nearestField } from '../../schemas/pipe/command/nearest.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { invalidValue } from '../../schemas/pipe/messages/errors.js';
import { printable } from '../../schemas/pipe/messages/printable.js';
import { bytes, duration } from '../../schemas/pipe/terminal/human.js';
import { type Column, shown } from './column.js';
import { answerText, locateResult, resultText } from './result.js';
import { startText } from './start.js';

const quote = 34;
const nine = 57;

export type FieldColumn = Column<Line>;

const field = (name: string) => new LineField(name);
const [latency, waited, pid, comm, pcomm] = ['latency_us', 'waited_us', 'pid', 'comm', 'pcomm'].map(field) as Five;
const [uid, user, exe, qtype, server] = ['uid', 'user', 'exe', 'qtype', 'server'].map(field) as Five;
const [saddr, sport, daddr, dport, lookedUp] = ['saddr', 'sport', 'daddr', 'dport', 'name'].map(field) as Five;
const ambiguous = field('name_ambiguous');
const [lasted, sent, received] = ['duration_us', 'bytes_sent', 'bytes_received'].map(field) as Five;
type Five = [LineField, LineField, LineField, LineField, LineField];

/** The columns that are not plain fields. A larger `rank` is left out earlier. */
const columns: Record<string, Omit<FieldColumn, 'name' | 'title'>> = {
  pid: { min: 7, ideal: 7, rank: 3, ...number(pid) },
  process: {
    ...{ min: 10, ideal: 15, rank: 1 },
    text: (line) => printable(line.text(pcomm) ?? line.text(comm) ?? '-'),
    locate: (line) => locateText(line, pcomm) || locateText(line, comm),
  },
  user: { min: 8, ideal: 8, text: (line) => printable(line.text(user) ?? numberText(line, uid)) },
  exe: { min: 16, ideal: 30, ...name(exe) },
  source: { min: 15, ideal: 21, text: sourceText },
  dest: { min: 15, ideal: 39, text: destText, locate: locateDest },
  dport: { min: 5, ideal: 5, ...number(dport) },
  latency: { min: 9, ideal: 9, right: true, rank: 4, text: latencyText },
  result: { min: 11, ideal: 30, fromStart: true, reason: true, text: resultText, locate: locateResult },
  duration: { min: 9, ideal: 9, right: true, text: (line) => numberText(line, lasted, duration) },
  sent: { min: 8, ideal: 8, right: true, text: (line) => numberText(line, sent, bytes) },
  received: { min: 8, ideal: 8, right: true, text: (line) => numberText(line, received, bytes) },
  name: { min: 16, ideal: 30, ...name(lookedUp) },
  qtype: { min: 5, ideal: 5, rank: 5, ...name(qtype) },
  answer: { min: 12, ideal: 40, fromStart: true, text: answerText },
  server: { min: 10, ideal: 15, rank: 6, ...name(server) },
  comm: { min: 10, ideal: 15, ...name(comm) },
  saddr: { min: 15, ideal: 39, ...name(saddr) },
  daddr: { min: 15, ideal: 39, ...name(daddr) },
  sport: { min: 5, ideal: 5, ...number(sport) },
};

/** Columns by the name of a set. */
const sets = {
  attempts: ['time', 'pid', 'process', 'dest', 'dport', 'latency', 'result'],
  lookups: ['time', 'pid', 'process', 'name', 'qtype', 'latency', 'server', 'answer'],
  wide: ['time', 'pid', 'process', 'user', 'exe', 'source', 'dest', 'daddr', 'dport', 'latency', 'result'],
  tcpconnect: ['time', 'pid', 'comm', 'saddr', 'sport', 'daddr', 'dport'],
};
/** Shown between the columns of attempts if there is room, the first one first. */
const extras = ['source', 'user', 'exe'];

const shownTypes = kinds.filter(({ type }) => [...attemptTypes, 'dns'].includes(type));
/** What `--columns` takes, besides tcpconnect. */
export const columnNames = [
  ...new Set(['time', ...Object.keys(columns), ...shownTypes.flatMap(({ fields }) => fields)]),
];

/** Parses one element of `--columns`. */
export function columnName(text: string): string[] {
  if (text === 'tcpconnect') return sets.tcpconnect;
  const name = text.toLowerCase();
  if (columnNames.includes(name)) return [name];
  throw invalidValue(
    text,
    nearestField(name, columnNames) ??
      'use fields of the events, or time, process, source, dest, latency, duration, sent, received, tcpconnect',
  );
}

/** Makes the columns of these names. `time` formats a `ts`. */
export function makeColumns(names: readonly string[], time: (ts: string) => string): FieldColumn[] {
  return names.map((name) => {
    const title = name.toUpperCase();
    if (name === 'time') return { name, title, min: 8, ideal: 8, rank: 2, text: startText(time) };
    return { name, title, ...(columns[name] ?? plainField(name)) };
  });
}

/** Makes the columns of attempts; on a terminal, with those that are shown if there is room. */
export function attemptColumns(time: (ts: string) => string, wide: boolean): FieldColumn[] {
  if (wide) return makeColumns(sets.wide, time);
  const names = sets.wide.filter((name) => sets.attempts.includes(name) || extras.includes(name));
  return makeColumns(names, time).map((column) => {
    const rank = extras.indexOf(column.name);
    return rank < 0 ? column : { ...column, extra: true, rank };
  });
}

/** Makes the columns of look-ups. */
export function lookupColumns(time: (ts: string) => string): FieldColumn[] {
  return makeColumns(sets.lookups, time);
}

function plainField(name: string): Omit<FieldColumn, 'name' | 'title'> {
  const text: FieldColumn['text'] = name.endsWith('_us')
    ? (line) => (line.field(name) === undefined ? '-' : duration(line.field(name) as number))
    : (line) => shown(line.field(name));
  return { min: Math.min(name.length, 8), ideal: Math.max(name.length, 8), text };
}

/** The text of a number. */
function number(which: LineField): Pick<FieldColumn, 'text' | 'locate'> {
  return { text: (line) => numberText(line, which), locate: (line) => locateNumber(line, which) };
}

/** The text of a string. */
function name(which: LineField): Pick<FieldColumn, 'text' | 'locate'> {
  return { text: (line) => nameText(line, which), locate: (line) => locateText(line, which) };
}

function numberText(line: Line, which: LineField, format: (number: number) => string = String): string {
  const number = line.number(which);
  return Number.isNaN(number) ? '-' : format(number);
}

function locateNumber(line: Line, which: LineField): boolean {
  return line.locate(which) && (line.raw[line.from] as number) <= nine;
}

function locateText(line: Line, which: LineField): boolean {
  return line.locate(which) && line.raw[line.from] === quote;
}

const nameText = (line: Line, which: LineField) => printable(line.text(which) ?? '-');

/** Returns the name of the remote address, with a "?" if it is a guess, or the address if no name is known. */
function destText(line: Line): string {
  const name = line.type === 'dns' ? undefined : line.text(lookedUp);
  return name === undefined ? nameText(line, daddr) : printable(name) + (line.locate(ambiguous) ? '?' : '');
}

function locateDest(line: Line): boolean {
  if (line.type === 'dns') return locateText(line, daddr);
  return !line.locate(ambiguous) && (locateText(line, lookedUp) || locateText(line, daddr));
}

function sourceText(line: Line): string {
  const address = line.text(saddr);
  if (address === undefined) return '-';
  return `${address.includes(':') ? `[${address}]` : address}:${numberText(line, sport)}`;
}

function latencyText(line: Line): string {
  const took = line.type === 'pending' ? line.number(waited) : line.number(latency);
  return Number.isNaN(took) ? '-' : duration(took);
}
