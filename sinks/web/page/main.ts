import { printable } from '../../../schemas/pipe/messages/printable.js';
import { Charts } from './charts.js';
import { threeDigits } from './digits.js';
import { Graph } from './graph.js';
import { List } from './list.js';
import { type Attempt, Model } from './model.js';
import { graphData, latencies, quantile, series } from './sums.js';

const drawMs = 500;
const tickMs = 200;
const element = <T extends Element>(id: string) => document.getElementById(id) as unknown as T;
const input = (id: string) => element<HTMLInputElement>(id);

interface State {
  run: string;
  total: number;
  lost: number;
  keep: number;
  ended: boolean;
  /** Whether pending attempts are recent. */
  live: boolean;
  /** The time at sink-web (ms since the epoch). */
  now: number;
}

const model = new Model();
let state: State = { run: '', total: 0, lost: 0, keep: model.keep, ended: false, live: false, now: 0 };
/** How far this clock is ahead of sink-web's (ms). */
let ahead = 0;
/** The time at the last tick (ms since the epoch). */
let ticked = 0;
let connected = false;
let source: EventSource | undefined;
/** How long to wait before reconnecting (ms). */
const retryMs = 1000;
let where = '';
/** The time range selected in a chart (ms). */
let selectedRange: { from: number; to: number } | undefined;
/** What the page showed when it was paused. */
let frozen: { attempts: Attempt[]; now: number; ticked: number } | undefined;
let due: number | undefined;
let shown: Attempt[] = [];
let waiting: Attempt[] = []; // the pending ones of these

const charts = new Charts({ rate: element('rate'), latency: element('latency') }, (from, to) => {
  selectedRange = { from, to };
  input('range').value = 'part';
  element<HTMLOptionElement>('range').querySelector('[value=part]')?.removeAttribute('hidden');
  drawSoon(0);
});
const graph = new Graph(element('graph'), (side, one) => narrow(side === 'left' ? ofProcess(one) : ofDestination(one)));
const list = new List(element('list'), element('rows'), showOne, waited);

/** Returns the end of the time axis: the current time if events are live, otherwise the time of the newest event. */
function now(): number {
  const live = !state.ended && Math.abs(Date.now() - model.newest) < 60_000;
  return live ? Math.max(model.newest, Date.now()) : model.newest;
}

/** Returns how long an attempt has waited (ms): by the clock while the stream is live, otherwise until the newest event. */
function waited({ at, until }: Attempt): number {
  if (connected && state.live && !state.ended) ticked = Date.now() - ahead;
  return Math.max(until, frozen ? frozen.ticked : state.live && !state.ended ? ticked : model.newest) - at;
}

function drawSoon(ms = drawMs): void {
  if (due !== undefined && ms > 0) return;
  clearTimeout(due);
  due = window.setTimeout(() => {
    due = undefined;
    draw();
    if (connected && !state.ended && !frozen) drawSoon(1_000); // the time axis moves even without events
  }, ms);
}

function draw(): void {
  const end = frozen ? frozen.now : now();
  const last = Number(input('range').value) * 1000;
  const [from, to] = selectedRange ? [selectedRange.from, selectedRange.to] : [last ? end - last : 0, end];
  const words = input('search').value.toLowerCase();
  const holds = ({ at, until, type, lines }: Attempt) =>
    at <= to &&
    (until >= from || type === 'pending') &&
    (words === '' || lines.some((line) => line.toLowerCase().includes(words)));
  shown = frozen ? frozen.attempts.filter(holds) : model.select(holds);
  waiting = shown.filter(({ type }) => type === 'pending').sort((a, b) => a.at - b.at);
  numbers();
  const first = shown.reduce((least, { at }) => Math.min(least, at), to);
  charts.draw(series(shown, from || Math.min(first, to - 60_000), to));
  graph.draw(graphData(shown, { left: 14, right: 18 }));
  element<HTMLElement>('nobody').hidden = shown.length > 0;
  const newest = shown.filter(({ type }) => type !== 'pending').reverse();
  const sorted = input('first').checked
    ? [...newest.filter((one) => one.failed), ...newest.filter((one) => !one.failed)]
    : newest;
  list.show([...waiting, ...sorted]);
}

function numbers(): void {
  const failed = shown.filter((one) => one.failed).length;
  const ms = latencies(shown);
  const of = (share: number) => {
    const value = quantile(ms, share);
    return value === undefined ? '–' : `${threeDigits(value)} ms`;
  };
  setText('attempts', String(shown.length));
  const ended = shown.length - waiting.length;
  setText('failed', failed === 0 ? '0' : `${failed} (${Math.round((failed / ended) * 100)} %)`);
  setText('pending', String(waiting.length), waiting.length > 0);
  element('failed').classList.toggle('some', failed > 0);
  setText('p50', of(0.5));
  setText('p99', of(0.99));
  setText('lost', String(state.lost), state.lost > 0);
  const older = Math.max(0, state.total - state.keep);
  setText('older', String(older), older > 0);
  const [name, text] = !connected
    ? ['broken', 'not connected']
    : frozen
      ? ['', 'paused']
      : state.ended
        ? ['', 'the input has ended']
        : ['live', 'live'];
  const status = element<HTMLElement>('state');
  status.className = name;
  if (status.textContent !== text) status.textContent = text;
}

function setText(id: string, text: string, visible = true): void {
  const place = element<HTMLElement>(id);
  place.textContent = text;
  (place.parentElement as HTMLElement).hidden = !visible;
}

function connect(): void {
  source?.close();
  model.clear();
  source = new EventSource(`events?where=${encodeURIComponent(where)}`);
  source.addEventListener('open', () => {
    connected = true;
    drawSoon();
  });
  source.addEventListener('error', () => {
    connected = false;
    drawSoon();
    if (source?.readyState === EventSource.CLOSED) setTimeout(renew, retryMs); // sink-web was restarted
  });
  source.addEventListener('state', ({ data }) => {
    const next: State = JSON.parse(data);
    if (state.run !== '' && next.run !== state.run) {
      state = next;
      connect(); // another run of sink-web, with other events
      return;
    }
    state = next;
    ahead = Date.now() - next.now;
    model.keep = next.keep;
    drawSoon();
  });
  source.addEventListener('lines', ({ data }) => {
    for (const line of (data as string).split('\x1e')) model.add(line);
    drawSoon();
  });
  source.addEventListener('ended', ({ data }) => {
    model.end(JSON.parse(data));
    drawSoon();
  });
  source.addEventListener('waiting', ({ data }) => {
    model.retain(new Set(JSON.parse(data)));
    drawSoon();
  });
}

/** Fetches the page to renew its cookie, then reconnects. */
async function renew(): Promise<void> {
  await fetch('.').catch(() => undefined);
  connect();
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
const ofProcess = ({ process, processField }: Attempt) =>
  processField === undefined ? 'not comm' : `${processField} == ${quoted(process)}`;
const ofDestination = (one: Attempt) =>
  `${one.toField === 'name' ? `name == ${quoted(one.to)}` : `daddr == ${one.to}`} and dport == ${one.port}`;

function narrow(expression: string): void {
  const old = input('where').value.trim();
  input('where').value = old === '' ? expression : `${/\bor\b|\|\|/.test(old) ? `(${old})` : old} and ${expression}`;
  void applyFilter();
}

/** Applies the filter if it is valid. */
async function applyFilter(): Promise<void> {
  const wanted = input('where').value.trim();
  if (wanted === where) {
    element('why').textContent = '';
    return;
  }
  const answer = await fetch(`events?check&where=${encodeURIComponent(wanted)}`).catch(() => undefined);
  if (input('where').value.trim() !== wanted) return; // it has changed since
  const bad = answer && !answer.ok;
  element('why').textContent = bad ? (await answer.text()).trim() : '';
  input('where').setAttribute('aria-invalid', String(Boolean(bad)));
  if (bad || !answer) return;
  where = wanted;
  element<HTMLElement>('clear').hidden = where === '';
  if (frozen) pause();
  connect();
}

function pause(): void {
  frozen = frozen ? undefined : { attempts: model.select(() => true).map((one) => ({ ...one })), now: now(), ticked };
  element('pause').setAttribute('aria-pressed', String(frozen !== undefined));
  element('pause').textContent = frozen ? 'Resume' : 'Pause';
  drawSoon(0);
}

function showOne({ lines }: Attempt): void {
  const fields = element<HTMLElement>('fields');
  fields.replaceChildren();
  for (const [name, value] of Object.entries(Object.assign({}, ...lines.map((line) => JSON.parse(line))))) {
    const [term, meaning] = [document.createElement('dt'), document.createElement('dd')];
    term.textContent = printable(name);
    meaning.textContent = printable(typeof value === 'string' ? value : JSON.stringify(value));
    fields.append(term, meaning);
  }
  element<HTMLDialogElement>('one').showModal();
}

function save(): void {
  const url = URL.createObjectURL(
    new Blob([...shown.flatMap(({ lines }) => lines.map((line) => `${line}\n`))], { type: 'application/x-ndjson' }),
  );
  const link = document.createElement('a');
  link.href = url;
  link.download = 'synpipe.ndjson';
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

let typed: number | undefined;
input('where').addEventListener('input', () => {
  clearTimeout(typed);
  typed = window.setTimeout(applyFilter, 400);
});
element('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  clearTimeout(typed);
  void applyFilter();
});
element('clear').addEventListener('click', () => {
  input('where').value = '';
  void applyFilter();
});
input('search').addEventListener('input', () => drawSoon(0));
input('first').addEventListener('change', () => drawSoon(0));
input('range').addEventListener('change', () => {
  if (input('range').value !== 'part') selectedRange = undefined;
  drawSoon(0);
});
element('pause').addEventListener('click', pause);
element('export').addEventListener('click', save);
element('close').addEventListener('click', () => element<HTMLDialogElement>('one').close());
new ResizeObserver(() => drawSoon(0)).observe(element('graph'));
setInterval(() => {
  if (waiting.length > 0) list.draw();
}, tickMs);

connect();
