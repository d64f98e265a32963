import { Charts } from './charts.js';
import { Connection } from './connection.js';
import { copy, fillDetails, save } from './details.js';
import { emptyText } from './empty.js';
import { both, ofDestination, ofField, ofProcess, whyInvalid } from './filter.js';
import { Graph } from './graph.js';
import { List } from './list.js';
import type { Attempt } from './model.js';
import { graphData, latencies, quantile, series } from './sums.js';
import { clock, date, duration, zone } from './texts.js';
import { type Column, commandOf, falls, formatView, parseView, sorted } from './view.js';

const drawMs = 500;
const tickMs = 200;
const element = <T extends Element = HTMLElement>(id: string) => document.getElementById(id) as unknown as T;
const input = (id: string) => element<HTMLInputElement>(id);
const button = (id: string) => element<HTMLButtonElement>(id);
const dialog = element<HTMLDialogElement>('one');

const view = parseView('');
/** The time at the last tick (ms since the epoch). */
let ticked = 0;
/** What the page showed when it was paused. */
let frozen: { attempts: Attempt[]; now: number; ticked: number } | undefined;
let due: number | undefined;
let shown: Attempt[] = [];
let waiting: Attempt[] = []; // the pending ones of these
let opened: Attempt | undefined; // shown in the dialog

const connection = new Connection((complete) => drawSoon(complete ? 0 : drawMs));
const charts = new Charts({ rate: element('rate'), latency: element('latency') }, (from, to) =>
  change({ range: { from: Math.floor(from), to: Math.ceil(to) } }),
);
const graph = new Graph(element('graph'), (side, one) => narrow(side === 'left' ? ofProcess(one) : ofDestination(one)));
const list = new List(element('list'), element('rows'), open, waited);

const isLive = () => connection.state?.live === true && !connection.state.ended;

/** Returns the end of the time axis: the current time if events are live, otherwise the time of the newest event. */
function now(): number {
  const { newest } = connection.model;
  const live = !connection.state?.ended && Math.abs(Date.now() - newest) < 60_000;
  return live ? Math.max(newest, Date.now()) : newest;
}

/** Returns how long an attempt has waited (ms): by the clock while the stream is live, otherwise until the newest event. */
function waited({ at, until }: Attempt): number {
  if (connection.connected && isLive()) ticked = Date.now() - connection.ahead;
  return Math.max(until, frozen ? frozen.ticked : isLive() ? ticked : connection.model.newest) - at;
}

function drawSoon(ms = drawMs): void {
  if (due !== undefined && ms > 0) return;
  clearTimeout(due);
  due = window.setTimeout(() => {
    due = undefined;
    draw();
    if (connection.connected && !connection.state?.ended && !frozen) drawSoon(1_000); // the time axis moves even without events
  }, ms);
}

/** Returns the times between which attempts are shown (ms since the epoch). */
function limits(): [from: number, to: number] {
  if (view.range) return [view.range.from, view.range.to];
  const end = frozen ? frozen.now : now();
  return [view.last === 0 ? 0 : end - view.last * 1000, end];
}

function draw(): void {
  const [from, to] = limits();
  const words = view.search.toLowerCase();
  const holds = ({ at, until, type, lines }: Attempt) =>
    at <= to &&
    (until >= from || type === 'pending') &&
    (words === '' || lines.some((line) => line.toLowerCase().includes(words)));
  shown = frozen ? frozen.attempts.filter(holds) : connection.model.select(holds);
  waiting = shown.filter(({ type }) => type === 'pending').sort((a, b) => a.at - b.at);
  const attempts = shown.filter(({ type }) => type !== 'dns');
  numbers(attempts);
  const empty = shown.length === 0;
  element('reason').textContent = empty
    ? emptyText(connection.connected, connection.state, view, frozen !== undefined)
    : '';
  document.body.classList.toggle('empty', empty);
  if (empty) return;
  const first = shown.reduce((least, { at }) => Math.min(least, at), to);
  charts.draw(series(attempts, from || Math.min(first, to - 60_000), to));
  graph.draw(graphData(shown, { left: 14, right: 18 }));
  element('zone').textContent = `times in ${zone(to)}`;
  const newest = shown.filter(({ type }) => type !== 'pending').reverse();
  list.show([...waiting, ...sorted(newest, view)], date(first) !== date(to));
}

function numbers(attempts: readonly Attempt[]): void {
  const failed = attempts.filter((one) => one.failed).length;
  const ms = latencies(attempts);
  const of = (share: number) => {
    const value = quantile(ms, share);
    return value === undefined ? '–' : duration(value, 2);
  };
  setText('attempts', String(attempts.length));
  const ended = attempts.length - waiting.length;
  setText('failed', failed === 0 ? '0' : `${failed} (${Math.round((failed / ended) * 100)} %)`);
  element('failed').classList.toggle('some', failed > 0);
  setText('pending', String(waiting.length), waiting.length > 0);
  const lookups = shown.length - attempts.length;
  setText('lookups', String(lookups), lookups > 0);
  setText('p50', of(0.5));
  setText('p99', of(0.99));
  const { lost = 0, total = 0, keep = 0, ended: over = false } = connection.state ?? {};
  setText('lost', String(lost), lost > 0);
  const older = Math.max(0, total - keep);
  setText('older', String(older), older > 0);
  const [name, text] = !connection.connected
    ? ['broken', 'Not connected']
    : frozen
      ? ['', 'Paused']
      : over
        ? ['', 'Input ended']
        : ['live', 'Live'];
  const status = element('state');
  status.className = name as string;
  if (status.textContent !== text) status.textContent = text as string;
}

function setText(id: string, text: string, visible = true): void {
  const place = element(id);
  place.textContent = text;
  (place.parentElement as HTMLElement).hidden = !visible;
}

/** Changes what is shown, except the filter. Typing makes one step of the history, everything else one each. */
function change(more: Partial<typeof view>, typed = false): void {
  Object.assign(view, more);
  remember(typed);
  showView();
  drawSoon(0);
}

let typing = false;
function remember(typed: boolean): void {
  const fragment = formatView(view);
  if (fragment === formatView(parseView(location.hash))) return;
  history[typed && typing ? 'replaceState' : 'pushState'](
    null,
    '',
    fragment === '' ? location.pathname : `#${fragment}`,
  );
  typing = typed;
}

/** Updates the controls. */
function showView(): void {
  const { search, last, range, sort, descending } = view;
  if (input('search').value !== search) input('search').value = search;
  input('last').value = range ? '-1' : String(last);
  element('last').querySelector('[value="-1"]')?.toggleAttribute('hidden', !range);
  button('reset').hidden = last === 0 && !range;
  element('hint').className = range ? 'selected' : '';
  element('hint').textContent = range
    ? `${date(range.from)} ${clock(range.from)} – ${clock(range.to)}`
    : 'drag to select a time';
  button('clear').disabled = formatView({ ...view, sort: 'time', descending: true }) === '';
  button('command').disabled = button('clear').disabled;
  for (const one of document.querySelectorAll<HTMLElement>('[data-sort]')) {
    const order = one.dataset.sort !== sort ? 'none' : descending ? 'descending' : 'ascending';
    one.parentElement?.setAttribute('aria-sort', order);
  }
}

/** Applies the filter of the input if it is valid. What is shown stays until all events that match have arrived. */
async function applyFilter(typed = false): Promise<void> {
  clearTimeout(typingTimer);
  const wanted = input('where').value.trim();
  const reason = wanted === view.where ? '' : await whyInvalid(wanted);
  if (reason === undefined || input('where').value.trim() !== wanted) return; // it has changed since
  element('why').textContent = reason;
  input('where').setAttribute('aria-invalid', String(reason !== ''));
  if (reason !== '' || wanted === view.where) return;
  if (frozen) pause();
  connection.open(wanted);
  view.where = wanted;
  remember(typed);
  showView();
}

function narrow(condition: string): void {
  input('where').value = both(input('where').value.trim(), condition);
  void applyFilter();
}

function showAll(): void {
  input('where').value = '';
  change({ search: '', last: 0, range: undefined });
  void applyFilter();
}

/** Shows what the URL says. */
async function restore(): Promise<void> {
  const { where, ...rest } = parseView(location.hash);
  Object.assign(view, rest);
  showView();
  drawSoon(0);
  input('where').value = where;
  await applyFilter();
}

function pause(): void {
  const attempts = connection.model.select(() => true).map((one) => ({ ...one }));
  frozen = frozen ? undefined : { attempts, now: now(), ticked };
  element('pause').setAttribute('aria-pressed', String(frozen !== undefined));
  element('pause').textContent = frozen ? 'Resume' : 'Pause';
  drawSoon(0);
}

function open(one: Attempt): void {
  opened = one;
  fillDetails(element('fields'), one, async (name, value) => {
    dialog.close();
    narrow(await ofField(name, value));
  });
  dialog.showModal();
}

const on = (id: string, event: string, react: (event: Event) => void) => element(id).addEventListener(event, react);
let typingTimer: number | undefined;
on('where', 'input', () => {
  clearTimeout(typingTimer);
  typingTimer = window.setTimeout(applyFilter, 400, true);
});
on('ask', 'submit', (event) => {
  event.preventDefault();
  void applyFilter();
});
on('search', 'input', () => change({ search: input('search').value }, true));
on('last', 'change', () => change({ last: Number(input('last').value), range: undefined }));
on('reset', 'click', () => change({ last: 0, range: undefined }));
on('clear', 'click', showAll);
on('pause', 'click', pause);
on('export', 'click', () =>
  save(
    shown.flatMap(({ lines }) => lines.map((line) => `${line}\n`)),
    'synpipe.ndjson',
  ),
);
on('command', 'click', () => {
  const [from, to] = limits();
  void copy(commandOf(view, from, view.range || view.last > 0 ? to : Number.POSITIVE_INFINITY), element('command'));
});
on('close', 'click', () => dialog.close());
on('copy', 'click', () => opened && copy(opened.lines.join('\n'), element('copy')));
on('around', 'click', () => {
  dialog.close();
  if (opened) change({ range: { from: opened.at - 30_000, to: opened.until + 30_000 } });
});
for (const one of document.querySelectorAll<HTMLElement>('[data-sort]')) {
  const sort = one.dataset.sort as Column;
  one.addEventListener('click', () =>
    change({ sort, descending: view.sort === sort ? !view.descending : falls(sort) }),
  );
}
document.addEventListener('keydown', (event) => {
  if (dialog.open || event.defaultPrevented) return;
  if (event.key === 'Escape') view.range ? change({ range: undefined }) : showAll();
  if (event.key === '/' && !(event.target as Element).matches('input, select')) {
    event.preventDefault();
    input('where').focus();
  }
});
window.addEventListener('popstate', restore);
new ResizeObserver(() => drawSoon(0)).observe(element('graph'));
setInterval(() => {
  if (waiting.length > 0) list.draw();
}, tickMs);

await restore();
if (view.where === '') connection.open('');
