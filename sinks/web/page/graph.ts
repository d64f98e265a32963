import type { Attempt } from './model.js';
import type { Band, End, Share, Talk } from './sums.js';

const barWidth = 10;
const gap = 8;
const least = 16; // px, a label's height

interface Placed extends End {
  y: number;
  height: number;
}

/** From top to bottom, as high as their counts, but for a least height. */
function place(ends: readonly End[], height: number): Map<string, Placed> {
  const total = ends.reduce((sum, { count }) => sum + count, 0);
  const free = Math.max(0, height - ends.length * (least + gap) + gap);
  let y = 0;
  return new Map(
    ends.map((end) => {
      const placed = { ...end, y, height: least + (free * end.count) / total };
      y += placed.height + gap;
      return [end.key, placed];
    }),
  );
}

function svg(name: string, className = ''): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  if (className) made.setAttribute('class', className);
  return made;
}

function set(element: Element, attributes: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

const shareOf = ({ failed, count }: Share) => (count === 0 ? 0 : failed / count);
const counted = ({ count, failed }: Share) => (failed > 0 ? `${count}, ${failed} failed` : String(count));

/** Draws who talks to whom. Elements stay while what they stand for does, so that the keyboard's focus does too. */
export class Graph {
  readonly #bands = svg('g');
  readonly #ends = svg('g');
  readonly #kept = new Map<string, SVGElement>();

  constructor(
    private readonly root: SVGElement,
    private readonly chosen: (side: 'left' | 'right', sample: Attempt) => void,
  ) {
    root.append(this.#bands, this.#ends);
  }

  draw({ left, right, bands }: Talk): void {
    const rows = Math.max(left.length, right.length);
    this.root.style.minHeight = `${Math.max(256, rows * (least + gap))}px`;
    const { clientWidth: width, clientHeight: height } = this.root;
    set(this.root, { viewBox: `0 0 ${width} ${height}` });
    const side = Math.min(170, width * 0.3);
    const sides = { left: place(left, height), right: place(right, height) };
    const used = new Set<string>();
    this.#drawBands(bands, sides.left, sides.right, side, width, used);
    for (const end of sides.left.values()) this.#drawEnd('left', end, side, width, used);
    for (const end of sides.right.values()) this.#drawEnd('right', end, side, width, used);
    for (const [key, element] of this.#kept) {
      if (used.has(key)) continue;
      element.remove();
      this.#kept.delete(key);
    }
  }

  #element(key: string, parent: SVGElement, make: () => SVGElement, used: Set<string>): SVGElement {
    used.add(key);
    let element = this.#kept.get(key);
    if (!element) {
      element = make();
      parent.append(element);
      this.#kept.set(key, element);
    }
    return element;
  }

  #drawEnd(which: 'left' | 'right', end: Placed, side: number, width: number, used: Set<string>): void {
    const group = this.#element(`${which} ${end.key}`, this.#ends, () => this.#makeEnd(which, end), used);
    const x = which === 'left' ? side : width - side - barWidth;
    const [room, bar, label, count] = group.children as unknown as [Element, Element, Element, Element];
    (group as SVGElement & { sample?: Attempt }).sample = end.sample as Attempt;
    group.style.setProperty('--failed', String(shareOf(end)));
    group.setAttribute('data-count', String(end.count));
    group.setAttribute('data-failed', String(end.failed));
    group.setAttribute('aria-label', `${end.label}: ${counted(end)}`);
    set(bar, { x, y: end.y, width: barWidth, height: end.height });
    set(room, { x: which === 'left' ? 0 : x, y: end.y, width: side + barWidth, height: end.height });
    const letters = Math.floor((side - 8) / 6.6);
    const middle = end.y + end.height / 2;
    const tall = end.height >= 30;
    const at = which === 'left' ? { x: x - 6, 'text-anchor': 'end' } : { x: x + barWidth + 6, 'text-anchor': 'start' };
    set(label, { ...at, y: tall ? middle - 7 : middle });
    set(count, { ...at, y: middle + 8, visibility: tall ? 'visible' : 'hidden' });
    label.textContent = shorten(end.label, letters);
    count.textContent = shorten(counted(end), letters);
    (group.lastChild as Element).textContent = `${end.label}: ${counted(end)}`;
  }

  #makeEnd(which: 'left' | 'right', { sample }: End): SVGElement {
    const group = svg('g') as SVGElement & { sample?: Attempt };
    group.append(svg('rect', 'room'), svg('rect', 'share'), svg('text'), svg('text', 'count'), svg('title'));
    if (!sample) return group;
    set(group, { role: 'button', tabindex: 0 });
    const choose = () => group.sample && this.chosen(which, group.sample);
    group.addEventListener('click', choose);
    group.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      choose();
    });
    return group;
  }

  #drawBands(
    bands: readonly Band[],
    left: Map<string, Placed>,
    right: Map<string, Placed>,
    side: number,
    width: number,
    used: Set<string>,
  ): void {
    const filled = new Map<Placed, number>();
    const middle = (end: Placed, count: number) => {
      const from = filled.get(end) ?? 0;
      filled.set(end, from + count);
      return { y: end.y + ((from + count / 2) / end.count) * end.height, thick: (count / end.count) * end.height };
    };
    const order = (ends: Map<string, Placed>, key: string) => ends.get(key)?.y ?? 0;
    const sorted = [...bands].sort(
      (a, b) => order(left, a.from) - order(left, b.from) || order(right, a.to) - order(right, b.to),
    );
    for (const band of sorted) {
      const [from, to] = [left.get(band.from), right.get(band.to)];
      if (!from || !to) continue;
      const [a, b] = [middle(from, band.count), middle(to, band.count)];
      const [x0, x1] = [side + barWidth, width - side - barWidth];
      const bend = (x0 + x1) / 2;
      const path = this.#element(`band ${band.key}`, this.#bands, () => svg('path'), used);
      path.style.setProperty('--failed', String(shareOf(band)));
      set(path, {
        d: `M${x0} ${a.y}C${bend} ${a.y} ${bend} ${b.y} ${x1} ${b.y}`,
        'stroke-width': Math.max(1, Math.min(a.thick, b.thick)),
        'data-count': band.count,
      });
    }
  }
}

function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text;
}
