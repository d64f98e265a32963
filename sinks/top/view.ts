import { isoText } from '../../schemas/pipe/line/moment.js';
import { type Paint, painter, type Style } from '../../schemas/pipe/terminal/colour.js';
import { count, counted, duration, rate } from '../../schemas/pipe/terminal/human.js';
import { clip, pad, shorten, shortenEnd, width } from '../../schemas/pipe/terminal/shorten.js';
import { Clock } from '../terminal/clock.js';
import { columnsFor, smallest } from './layout.js';
import { overlay } from './overlay.js';
import { headerLines, type Page, type Size } from './page.js';
import { type AnyRow, type Section, sections } from './sections.js';
import type { SectionState, Shown, State } from './state.js';

const styled = painter(true); // NO_COLOR is about colours: bold and inverse text stay

/** Lists are not wider than this, so that the eye finds the numbers of a row. */
const widest = 150;

/** Returns the lines of the whole screen. */
export function view(shown: Shown, state: State, page: Page, colour: boolean): string[] {
  const { size } = page;
  if (size.columns < smallest.columns || size.rows < smallest.rows) return tooSmall(size);
  const paint = painter(colour);
  const footer = foot(shown, state, size, paint);
  const room = size.rows - headerLines - footer.length;
  const body = state.overlay
    ? covered(shown, state.overlay, size.columns, room)
    : sections.flatMap((section, at) =>
        state.zoomed && at !== state.focus ? [] : listed(section, at, shown, state, page, paint),
      );
  const empty = Array.from({ length: Math.max(0, room - body.length) }, () => '');
  return [...head(shown, state, size, paint), ...body.slice(0, room), ...empty, ...footer];
}

function tooSmall({ columns, rows }: Size): string[] {
  const text = `synpipe top needs ${smallest.columns}×${smallest.rows} characters; press q to quit`;
  return [clip(text, columns), ...Array.from({ length: Math.max(0, rows - 1) }, () => '')];
}

/** Returns the two lines at the top: what is shown, and what it adds up to. */
function head({ model, all, now, source, hasEnded }: Shown, state: State, { columns }: Size, paint: Paint): string[] {
  const time = now === 0 ? 'waiting for events' : moment(now);
  const left = ` synpipe top  ${source}${hasEnded ? ' (ended)' : ''}  ${time}`;
  const right = `${state.filter === '' ? '' : `filter: ${state.filter} `}${state.paused ? ' PAUSED ' : ''}`;
  const fits = shorten(right, Math.max(8, columns - width(left) - 1));
  const title = pad(clip(left, columns - width(fits)), columns - width(fits)) + fits;
  const parts: [text: string, ...styles: Style[]][] = [
    [
      `${counted(model.attempts, 'attempt')}${model.first > 0 ? ` in ${duration(Math.max(0, now - model.first))}` : ''}`,
    ],
    [`${rate(model.rate.at(now, model.first))}/s`],
    [`${count(model.failed)} failed`, ...(model.failed > 0 ? (['red'] as const) : [])],
    [`${count(model.open)} pending`, ...(model.open > 0 ? (['yellow'] as const) : [])],
  ];
  if (all.lost > 0) parts.push([`${count(all.lost)} LOST`, 'red', 'bold']);
  if (all.invalid > 0) parts.push([`${count(all.invalid)} invalid`, 'red']);
  if (all.lookedUp > 0) parts.push([`${counted(model.lookedUp, 'look-up')} (${count(model.failedLookups)} failed)`]);
  let line = '';
  let room = columns - 1;
  for (const [text, ...styles] of parts) {
    room -= width(text) + 2;
    if (room >= -2) line += (line === '' ? '' : ', ') + paint(text, ...styles);
  }
  return [styled(title, 'inverse'), ` ${line}`];
}

/** Returns a section's heading and its rows. */
function listed(section: Section<AnyRow>, at: number, shown: Shown, state: State, page: Page, paint: Paint): string[] {
  const { other, size } = section;
  const known = section.columns.filter(({ needs }) => !needs || needs(shown.model));
  const height = page.heights[at] as number;
  const { top, selected } = state.sections[at] as SectionState;
  const isFocused = state.focus === at;
  const columns = columnsFor(known, Math.min(page.size.columns, widest) - 2);
  const rest = other(shown.model);
  const number = size(shown.model) === 0 ? 'none' : count(size(shown.model)) + (rest ? '+' : '');
  const titles = columns.map(({ column: { title, right }, width }, nth) =>
    pad(clip(nth === 0 ? `${title}: ${number}` : title, width), width, right),
  );
  const heading = styled(
    pad(` ${titles.join(' ')}`, page.size.columns),
    ...(isFocused ? (['bold', 'inverse'] as const) : (['bold', 'underline'] as const)),
  );
  const rows = page.rows[at] as AnyRow[];
  const lines = rows.slice(top, top + height).map((row) => {
    const cells = columns.map(({ column: { text, right, fromStart, style }, width }) => {
      const cell = pad(
        (fromStart ? shortenEnd : shorten)(text(row, shown.now, shown.model.first), width),
        width,
        right,
      );
      const how = style?.(row);
      return how ? paint(cell, how) : cell;
    });
    const isSelected = isFocused && row.key === selected;
    return isSelected ? styled(`>${cells.join(' ')} `, 'inverse') : ` ${cells.join(' ')}`;
  });
  if (rest && lines.length < height) lines.push(paint(` ${clip(rest, page.size.columns - 1)}`, 'dim'));
  return [...(page.isLoose ? [''] : []), heading, ...lines];
}

/** Returns an overlay in place of the lists. Keeps its scroll position within its lines. */
function covered(shown: Shown, state: State['overlay'] & object, columns: number, room: number): string[] {
  const { title, lines } = overlay(state, shown, columns - 2);
  state.scroll = Math.max(0, Math.min(state.scroll, lines.length - (room - 1)));
  const end = Math.min(lines.length, state.scroll + room - 1);
  const place = lines.length > room - 1 ? ` (lines ${state.scroll + 1} to ${end} of ${lines.length})` : '';
  const heading = styled(pad(clip(` ${title}${place}`, columns), columns), 'bold', 'underline');
  return [heading, ...lines.slice(state.scroll, end).map((line) => ` ${clip(line, columns - 1)}`)];
}

/** Returns the line at the bottom, preceded by another one if there is something to say. */
function foot({ messages }: Shown, state: State, { columns }: Size, paint: Paint): string[] {
  if (state.prompt) {
    const { text, error } = state.prompt;
    const hint = 'Example: dport == 443 and not comm in (curl, node). Enter applies it, Esc cancels.';
    const left = 'Filter: ';
    const typed = fromEnd(text, columns - left.length - 2);
    return [
      error === undefined ? clip(` ${hint}`, columns) : paint(clip(` ${error}`, columns), 'red'),
      styled(left, 'bold') + typed + styled(' ', 'inverse'),
    ];
  }
  const section = sections[state.focus] as Section<AnyRow>;
  const order = section.orders[(state.sections[state.focus] as SectionState).order] as { name: string };
  const keys = state.overlay
    ? ['q or Esc back', '↑ ↓ PgUp PgDn scroll']
    : [
        'q quit',
        '? help',
        '/ filter',
        `p ${state.paused ? 'continue' : 'pause'}`,
        `s sort: ${order.name}`,
        'Tab section',
        'Enter details',
        'z zoom',
      ];
  const line = fitting(keys, columns);
  const unread = messages.length - state.read;
  const last = messages.at(-1);
  if (unread <= 0 || last === undefined) return [line];
  const more = unread > 1 ? ` (m: ${unread} messages)` : ' (m: messages)';
  return [paint(shorten(` ${last}`, columns - more.length) + more, 'yellow'), line];
}

/** Joins as many of the texts as fit whole, the first ones first. */
function fitting(texts: readonly string[], columns: number): string {
  let line = '';
  for (const text of texts) {
    const longer = line === '' ? ` ${text}` : `${line}  ${text}`;
    if (width(longer) > columns) break;
    line = longer;
  }
  return line;
}

/** Returns the end of a text that fits into this many columns. */
function fromEnd(text: string, columns: number): string {
  let end = text;
  while (width(end) > columns) end = end.slice(1);
  return end;
}

/** Formats a time as local date and time of day. */
function moment(us: number): string {
  const [clock, ts] = [new Clock(), isoText(us / 1_000)];
  return `${clock.day(ts)} ${clock.time(ts)}`;
}
