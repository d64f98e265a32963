import { printable } from '../../../schemas/pipe/messages/printable.js';
import type { Attempt } from './model.js';
import { clock, date, duration } from './texts.js';

const margin = 6; // rows drawn above and below the visible ones

/** Returns the texts of an attempt's cells. A text in two parts is shortened at the end of the first. */
function cells(one: Attempt, waited: number, dated: boolean): [text: string, end?: string][] {
  const time = `${dated ? `${date(one.at).slice(5)} ` : ''}${clock(one.at, true)}`;
  const took = one.ms === undefined ? '' : duration(one.ms);
  const result = one.type === 'pending' ? `waiting ${waitedText(waited)}` : one.result || 'started';
  return [
    [time],
    ends(one.process, 3),
    [String(one.pid ?? '')],
    ends(endpoint(one), one.port.length + 5),
    [result],
    [took],
  ];
}

const waitedText = (ms: number) => (ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms));
const endpoint = (one: Attempt) => (one.ambiguous ? one.endpoint.replace(/:\d+$/, '?$&') : one.endpoint);

/** Splits off the last characters of a text that is long enough. */
function ends(text: string, last: number): [string, string] {
  const all = [...text];
  const at = Math.max(all.length - last, Math.ceil(all.length / 2));
  return [all.slice(0, at).join(''), all.slice(at).join('')];
}

/** A table of attempts in which only the visible rows exist. The arrow keys choose a row, Enter opens it. */
export class List {
  #shown: readonly Attempt[] = [];
  readonly #rows: HTMLElement[] = [];
  #rowHeight = 28;
  #dated = false;
  #top: Attempt | undefined; // the topmost visible row, which stays in place while rows are added above it
  #chosen: Attempt | undefined;

  constructor(
    private readonly frame: HTMLElement,
    private readonly body: HTMLElement,
    private readonly open: (attempt: Attempt) => void,
    private readonly waited: (attempt: Attempt) => number,
  ) {
    frame.addEventListener('scroll', () => this.draw());
    frame.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(() => {
      this.#rowHeight = Number.parseInt(getComputedStyle(frame).getPropertyValue('--row'), 10);
      this.show(this.#shown, this.#dated);
    }).observe(frame);
  }

  /** Shows these attempts, in this order, and their dates if `dated`. */
  show(attempts: readonly Attempt[], dated: boolean): void {
    const anchor = this.frame.scrollTop > this.#rowHeight ? this.#top : undefined;
    this.#shown = attempts;
    this.body.style.height = `${attempts.length * this.#rowHeight}px`;
    this.frame.setAttribute('aria-rowcount', String(attempts.length + 1));
    const at = anchor ? attempts.indexOf(anchor) : -1;
    if (at >= 0) this.frame.scrollTop = at * this.#rowHeight + (this.frame.scrollTop % this.#rowHeight);
    this.#dated = dated;
    this.frame.classList.toggle('dated', dated);
    this.draw();
  }

  /** Draws the visible rows. Updates only cells that have changed. */
  draw(): void {
    const height = this.#rowHeight;
    const first = Math.max(0, Math.floor(this.frame.scrollTop / height) - margin);
    const count = Math.ceil(this.frame.clientHeight / height) + 2 * margin;
    const some = this.#shown.slice(first, first + count);
    this.#top = this.#shown[Math.floor(this.frame.scrollTop / height)];
    while (this.#rows.length < some.length) this.#rows.push(this.#row());
    for (const extra of this.#rows.splice(some.length)) extra.remove();
    this.frame.removeAttribute('aria-activedescendant');
    for (const [i, one] of some.entries()) {
      const row = this.#rows[i] as HTMLElement & { attempt?: Attempt };
      row.attempt = one;
      row.className = one.failed ? 'failed' : one.type === 'pending' ? 'pending' : '';
      row.style.top = `${(first + i) * height}px`;
      row.setAttribute('aria-rowindex', String(first + i + 2));
      row.setAttribute('aria-selected', String(one === this.#chosen));
      if (one === this.#chosen) this.frame.setAttribute('aria-activedescendant', row.id);
      for (const [column, texts] of cells(one, this.waited(one), this.#dated).entries()) {
        const cell = row.children[column] as HTMLElement;
        const [text = '', end = ''] = texts.map((part) => printable(part ?? ''));
        if (cell.textContent === text + end) continue;
        (cell.firstChild as Element).textContent = text;
        (cell.lastChild as Element).textContent = end;
        cell.title = column === 0 ? `${date(one.at)} ${text}` : text + end;
      }
    }
  }

  #key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.frame.clientHeight / this.#rowHeight) - 2);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -1e9,
      End: 1e9,
    };
    const step = steps[event.key];
    if (event.target !== this.frame || (step === undefined && event.key !== 'Enter')) return;
    event.preventDefault(); // the rest of the key press would press a button of the dialog
    if (step === undefined) {
      if (this.#chosen) this.open(this.#chosen);
      return;
    }
    const old = this.#chosen ? this.#shown.indexOf(this.#chosen) : -1;
    const at = Math.min(this.#shown.length - 1, Math.max(0, old + step));
    this.#chosen = this.#shown[at];
    const room = this.frame.clientHeight - this.body.offsetTop - this.#rowHeight; // below the heading
    const top = at * this.#rowHeight;
    this.frame.scrollTop = Math.max(top - room, Math.min(top, this.frame.scrollTop));
    this.draw();
  }

  #row(): HTMLElement {
    const row = document.createElement('div') as HTMLElement & { attempt?: Attempt };
    row.setAttribute('role', 'row');
    row.id = `row-${this.#rows.length}`;
    for (let i = 0; i < 6; i++) {
      const cell = document.createElement('span');
      cell.setAttribute('role', 'gridcell');
      cell.append(document.createElement('span'), document.createElement('span'));
      row.append(cell);
    }
    row.addEventListener('click', () => {
      this.#chosen = row.attempt;
      if (row.attempt) this.open(row.attempt);
    });
    this.body.append(row);
    return row;
  }
}
