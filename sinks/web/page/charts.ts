import uPlot from 'uplot';
import { threeDigits } from './digits.js';
import type { Series } from './sums.js';

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Resolves a custom property to a colour that the canvas accepts. Custom properties keep light-dark() unresolved. */
function colour(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const digits = (value: number | null) => (value === null ? '–' : String(Number(threeDigits(value))));

/** Draws rate and latency over time. Dragging over a chart selects a time range. */
export class Charts {
  #rate: uPlot | undefined;
  #latency: uPlot | undefined;
  #last: Series | undefined;

  constructor(
    private readonly into: { rate: HTMLElement; latency: HTMLElement },
    private readonly selected: (from: number, to: number) => void,
  ) {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#make());
    new ResizeObserver(() => this.#resize()).observe(into.rate);
    this.#make();
  }

  draw(series: Series): void {
    this.#last = series;
    const { time, all, failed, p50, p99 } = series;
    this.#rate?.setData([time, all, failed]);
    this.#latency?.setData([time, p50, p99]);
  }

  #make(): void {
    this.#rate?.destroy();
    this.#latency?.destroy();
    const [good, bad] = [colour('--good'), colour('--bad')];
    const line = (label: string, stroke: string, fill?: string): uPlot.Series => ({
      label,
      stroke,
      width: 1.5,
      points: { show: false },
      value: (_, value) => digits(value),
      ...(fill && { fill, paths: uPlot.paths.stepped?.({ align: 1 }) as uPlot.Series.PathBuilder }),
    });
    const fade = (one: string) => one.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.25)');
    this.#rate = this.#chart(this.into.rate, [line('all', good, fade(good)), line('failed', bad, fade(bad))], {
      y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
    });
    this.#latency = this.#chart(this.into.latency, [line('p50', good), line('p99', bad)], {
      y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
    });
    if (this.#last) this.draw(this.#last);
  }

  #chart(into: HTMLElement, lines: uPlot.Series[], scales: uPlot.Scales): uPlot {
    const [soft, grid] = [colour('--soft'), colour('--line')];
    const axis: uPlot.Axis = { stroke: soft, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    return new uPlot(
      {
        ...this.#size(into),
        series: [{ value: (_, at) => (at === null ? '–' : new Date(at * 1000).toLocaleTimeString()) }, ...lines],
        axes: [axis, { ...axis, size: 44 }],
        scales,
        cursor: { sync: { key: 'time' }, drag: { x: true, y: false, setScale: false } },
        hooks: {
          setSelect: [
            (chart) => {
              const { left, width } = chart.select;
              if (width < 4) return;
              this.selected(chart.posToVal(left, 'x') * 1000, chart.posToVal(left + width, 'x') * 1000);
              chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            },
          ],
        },
      },
      [[], ...lines.map(() => [])] as uPlot.AlignedData,
      into,
    );
  }

  #size(into: HTMLElement): { width: number; height: number } {
    return { width: Math.max(120, into.clientWidth), height: Number.parseInt(css('--chart') || '150', 10) };
  }

  #resize(): void {
    this.#rate?.setSize(this.#size(this.into.rate));
    this.#latency?.setSize(this.#size(this.into.latency));
  }
}
