import type { Attempt } from './model.js';
import type { Band, GraphData, GraphNode, Share } from './sums.js';
import { shorten } from './texts.js';

const barWidth = 10;
const gap = 8;
const leastHeight = 16; // px, the height of a label

interface Placed extends GraphNode {
  y: number;
  height: number;
}

/** Places nodes from top to bottom. Heights are proportional to the counts, above a minimum. */
function place(nodes: readonly GraphNode[], height: number): Map<string, Placed> {
  const total = nodes.reduce((sum, { count }) => sum + count, 0);
  const free = Math.max(0, height - nodes.length * (leastHeight + gap) + gap);
  let y = 0;
  return new Map(
    nodes.map((node) => {
      const placed = { ...node, y, height: leastHeight + (free * node.count) / total };
      y += placed.height + gap;
      return [node.key, placed];
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

const counted = ({ count, failed, waiting }: Share) =>
  [count, ...(failed > 0 ? [`${failed} failed`] : []), ...(waiting > 0 ? [`${waiting} waiting`] : [])].join(', ');
const mainCount = ({ count, failed, waiting }: Share) =>
  failed > 0 ? `${failed} failed` : waiting > 0 ? `${waiting} waiting` : String(count);

/** Sets the shares that decide the colour. */
function colour(element: SVGElement, { count, failed, waiting }: Share): void {
  element.style.setProperty('--failed', `${(100 * failed) / count}%`);
  element.style.setProperty('--waiting', `${(100 * waiting) / count}%`);
}

const measure = document.createElement('canvas').getContext('2d') as CanvasRenderingContext2D;

/** Shortens a text in its middle to this width. An address keeps its port, because that is at its end. */
function fit(text: string, width: number, font: string): string {
  measure.font = font;
  const all = measure.measureText(text).width;
  if (all <= width) return text;
  let letters = Math.max(3, Math.floor((text.length * width) / all) + 2);
  let short = shorten(text, letters);
  while (letters > 3 && measure.measureText(short).width > width) short = shorten(text, --letters);
  return short;
}

/** Draws which process talks to which destination. Reuses elements between drawings, so that they keep the keyboard focus. */
export class Graph {
  readonly #bands = svg('g');
  readonly #nodes = svg('g');
  readonly #kept = new Map<string, SVGElement>();
  /** The font families of labels and of counts. */
  readonly #fonts: [string, string];

  constructor(
    private readonly root: SVGElement,
    private readonly chosen: (side: 'left' | 'right', sample: Attempt) => void,
  ) {
    root.append(this.#bands, this.#nodes);
    const style = getComputedStyle(root);
    this.#fonts = [style.fontFamily, style.getPropertyValue('--number')];
  }

  draw({ left, right, bands }: GraphData): void {
    const rows = Math.max(left.length, right.length);
    this.root.style.minHeight = `${Math.max(256, rows * (leastHeight + gap))}px`;
    const { clientWidth: width, clientHeight: height } = this.root;
    set(this.root, { viewBox: `0 0 ${width} ${height}` });
    const room = { left: Math.min(130, width * 0.3), right: Math.min(250, width * 0.4) };
    const bars = { left: room.left, right: width - room.right - barWidth };
    const sides = { left: place(left, height), right: place(right, height) };
    const used = new Set<string>();
    this.#drawBands(bands, sides, bars, used);
    let at = 0;
    for (const which of ['left', 'right'] as const) {
      for (const node of sides[which].values())
        this.#order(this.#drawNode(which, node, bars[which], room[which], used), at++);
    }
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

  #drawNode(which: 'left' | 'right', node: Placed, x: number, width: number, used: Set<string>): SVGElement {
    const group = this.#element(`${which} ${node.key}`, this.#nodes, () => this.#makeNode(which, node), used);
    const [room, bar, label, count] = group.children as unknown as [Element, Element, Element, Element];
    (group as SVGElement & { sample?: Attempt }).sample = node.sample as Attempt;
    colour(group, node);
    group.setAttribute('aria-label', `${node.label}: ${counted(node)}`);
    set(bar, { x, y: node.y, width: barWidth, height: node.height });
    set(room, { x: which === 'left' ? 0 : x, y: node.y, width: width + barWidth, height: node.height });
    const middle = node.y + node.height / 2;
    const tall = node.height >= 30;
    const at = which === 'left' ? { x: x - 6, 'text-anchor': 'end' } : { x: x + barWidth + 6, 'text-anchor': 'start' };
    set(label, { ...at, y: tall ? middle - 7 : middle });
    set(count, { ...at, y: middle + 8, visibility: tall ? 'visible' : 'hidden' });
    label.textContent = fit(node.label, width - 8, `12px ${this.#fonts[0]}`);
    const small = `11px ${this.#fonts[1]}`;
    count.textContent = [counted(node), mainCount(node)].find((text) => fit(text, width - 8, small) === text) ?? '';
    (group.lastChild as Element).textContent = `${node.label}: ${counted(node)}`;
    return group;
  }

  /** Moves a node to its place in the order of the tab key, unless it has the focus, which it would lose. */
  #order(node: SVGElement, at: number): void {
    const there = this.#nodes.children[at] ?? null;
    if (there !== node && node !== document.activeElement) this.#nodes.insertBefore(node, there);
  }

  #makeNode(which: 'left' | 'right', { sample }: GraphNode): SVGElement {
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
    { left, right }: { left: Map<string, Placed>; right: Map<string, Placed> },
    bars: { left: number; right: number },
    used: Set<string>,
  ): void {
    const filled = new Map<Placed, number>();
    const middle = (node: Placed, count: number) => {
      const from = filled.get(node) ?? 0;
      filled.set(node, from + count);
      return { y: node.y + ((from + count / 2) / node.count) * node.height, thick: (count / node.count) * node.height };
    };
    const order = (nodes: Map<string, Placed>, key: string) => nodes.get(key)?.y ?? 0;
    const sorted = [...bands].sort(
      (a, b) => order(left, a.from) - order(left, b.from) || order(right, a.to) - order(right, b.to),
    );
    for (const band of sorted) {
      const [from, to] = [left.get(band.from), right.get(band.to)];
      if (!from || !to) continue;
      const [a, b] = [middle(from, band.count), middle(to, band.count)];
      const [x0, x1] = [bars.left + barWidth, bars.right];
      const bend = (x0 + x1) / 2;
      const path = this.#element(`band ${band.key}`, this.#bands, () => svg('path'), used);
      colour(path, band);
      set(path, {
        d: `M${x0} ${a.y}C${bend} ${a.y} ${bend} ${b.y} ${x1} ${b.y}`,
        'stroke-width': Math.max(1, Math.min(a.thick, b.thick)),
        'data-count': band.count,
      });
    }
  }
}
