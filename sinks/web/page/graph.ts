import type { Attempt } from './model.js';
import type { Band, GraphData, GraphNode, Share } from './sums.js';

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

const shareOf = ({ failed, count }: Share) => (count === 0 ? 0 : failed / count);
const counted = ({ count, failed }: Share) => (failed > 0 ? `${count}, ${failed} failed` : String(count));

/** Draws which process talks to which destination. Reuses elements between drawings, so that they keep the keyboard focus. */
export class Graph {
  readonly #bands = svg('g');
  readonly #nodes = svg('g');
  readonly #kept = new Map<string, SVGElement>();

  constructor(
    private readonly root: SVGElement,
    private readonly chosen: (side: 'left' | 'right', sample: Attempt) => void,
  ) {
    root.append(this.#bands, this.#nodes);
  }

  draw({ left, right, bands }: GraphData): void {
    const rows = Math.max(left.length, right.length);
    this.root.style.minHeight = `${Math.max(256, rows * (leastHeight + gap))}px`;
    const { clientWidth: width, clientHeight: height } = this.root;
    set(this.root, { viewBox: `0 0 ${width} ${height}` });
    const side = Math.min(170, width * 0.3);
    const sides = { left: place(left, height), right: place(right, height) };
    const used = new Set<string>();
    this.#drawBands(bands, sides.left, sides.right, side, width, used);
    for (const node of sides.left.values()) this.#drawNode('left', node, side, width, used);
    for (const node of sides.right.values()) this.#drawNode('right', node, side, width, used);
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

  #drawNode(which: 'left' | 'right', node: Placed, side: number, width: number, used: Set<string>): void {
    const group = this.#element(`${which} ${node.key}`, this.#nodes, () => this.#makeNode(which, node), used);
    const x = which === 'left' ? side : width - side - barWidth;
    const [room, bar, label, count] = group.children as unknown as [Element, Element, Element, Element];
    (group as SVGElement & { sample?: Attempt }).sample = node.sample as Attempt;
    group.style.setProperty('--failed', String(shareOf(node)));
    group.setAttribute('data-count', String(node.count));
    group.setAttribute('data-failed', String(node.failed));
    group.setAttribute('aria-label', `${node.label}: ${counted(node)}`);
    set(bar, { x, y: node.y, width: barWidth, height: node.height });
    set(room, { x: which === 'left' ? 0 : x, y: node.y, width: side + barWidth, height: node.height });
    const letters = Math.floor((side - 8) / 6.6);
    const middle = node.y + node.height / 2;
    const tall = node.height >= 30;
    const at = which === 'left' ? { x: x - 6, 'text-anchor': 'end' } : { x: x + barWidth + 6, 'text-anchor': 'start' };
    set(label, { ...at, y: tall ? middle - 7 : middle });
    set(count, { ...at, y: middle + 8, visibility: tall ? 'visible' : 'hidden' });
    label.textContent = shorten(node.label, letters);
    count.textContent = shorten(counted(node), letters);
    (group.lastChild as Element).textContent = `${node.label}: ${counted(node)}`;
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
    left: Map<string, Placed>,
    right: Map<string, Placed>,
    side: number,
    width: number,
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
