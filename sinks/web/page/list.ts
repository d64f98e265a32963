import { printable } from '../../../schemas/pipe/messages/printable.js';
import type { Attempt } from './model.js';

const rowHeight = 28;
const margin = 6; // rows drawn above and below the visible ones

const two = (value: number, digits = 2) => String(value).padStart(digits, '0');

function clock(at: number): string {
  const time = new Date(at);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${two(time.getMilliseconds(), 3)}`;
}

/** Returns the texts of an attempt's cells. `waited` is how long a pending attempt has waited (ms). */
function cells(one: Attempt, waited: number): string[] {
  const ms = one.ms === undefined ? '' : one.ms < 10 ? one.ms.toFixed(2) : String(Math.round(one.ms));
  const took = one.type === 'pending' ? `${(waited / 1000).toFixed(1)} s` : ms;
  const to = one.ambiguous ? `${one.to}?` : one.to;
  return [clock(one.at), one.process, String(one.pid ?? ''), to, String(one.port), one.result || '·', took].map(
    printable,
  );
}

/** A table of attempts in which only the visible rows exist. */
export class List {
  #shown: readonly Attempt[] = [];
  readonly #rows: HTMLElement[] = [];
  #top: Attempt | undefined; // the topmost visible row, which stays in place while rows are added above it

  constructor(
    private readonly frame: HTMLElement,
    private readonly body: HTMLElement,
    private readonly open: (attempt: Attempt) => void,
    private readonly waited: (attempt: Attempt) => number,
  ) {
    frame.addEventListener('scroll', () => this.draw());
    new ResizeObserver(() => this.draw()).observe(frame);
  }

  /** Shows these attempts, in this order. */
  show(attempts: readonly Attempt[]): void {
    const anchor = this.frame.scrollTop > rowHeight ? this.#top : undefined;
    this.#shown = attempts;
    this.body.style.height = `${attempts.length * rowHeight}px`;
    this.frame.setAttribute('aria-rowcount', String(attempts.length + 1));
    const at = anchor ? attempts.indexOf(anchor) : -1;
    if (at >= 0) this.frame.scrollTop = at * rowHeight + (this.frame.scrollTop % rowHeight);
    this.draw();
  }

  /** Draws the visible rows. Updates only cells that have changed. */
  draw(): void {
    const first = Math.max(0, Math.floor(this.frame.scrollTop / rowHeight) - margin);
    const count = Math.ceil(this.frame.clientHeight / rowHeight) + 2 * margin;
    const some = this.#shown.slice(first, first + count);
    this.#top = this.#shown[Math.floor(this.frame.scrollTop / rowHeight)];
    while (this.#rows.length < some.length) this.#rows.push(this.#row());
    for (const extra of this.#rows.splice(some.length)) extra.remove();
    for (const [i, one] of some.entries()) {
      const row = this.#rows[i] as HTMLElement & { attempt?: Attempt };
      row.attempt = one;
      row.className = one.failed ? 'failed' : one.type === 'pending' ? 'pending' : '';
      row.style.top = `${(first + i) * rowHeight}px`;
      row.setAttribute('aria-rowindex', String(first + i + 2));
      for (const [column, text] of cells(one, this.waited(one)).entries()) {
        const cell = row.children[column] as HTMLElement;
        if (cell.textContent !== text) cell.textContent = text;
      }
    }
  }

  #row(): HTMLElement {
    const row = document.createElement('div') as HTMLElement & { attempt?: Attempt };
    row.setAttribute('role', 'row');
    row.tabIndex = -1;
    for (let i = 0; i < 7; i++) {
      const cell = document.createElement('span');
      cell.setAttribute('role', 'cell');
      row.append(cell);
    }
    const open = () => row.attempt && this.open(row.attempt);
    row.addEventListener('click', open);
    row.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') open();
    });
    this.body.append(row);
    return row;
  }
}
