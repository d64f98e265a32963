import uPlot from 'uplot';
import type { Series } from './sums.js';
import { clock, date, duration } from './texts.js';

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

const rounded = (value: number) => String(Number(value.toPrecision(3)));
const tenTo = (exponent: number) => Number(`1e${exponent}`);

/** Returns the labels of a time axis. The first of a day has the date too. */
function times(seconds: number[], increment: number): string[] {
  let day = '';
  return seconds.map((at) => {
    const of = date(at * 1000);
    const time = clock(at * 1000).slice(0, increment % 60 === 0 ? 5 : 8);
    if (of === day) return time;
    day = of;
    return `${time}\n${of}`;
  });
}

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
    const { step, all, failed, p50, p99 } = series;
    const time = [...series.time, (series.time.at(-1) as number) + step];
    const last = (rates: number[]) => [...rates, rates.at(-1) as number]; // a step ends where the next one begins
    this.#rate?.setData([time, last(all), last(failed)]);
    const drawn = (all: (number | null)[]) => [...all.map((one) => one && Math.max(one, 0.001)), null];
    this.#latency?.setData([time, drawn(p50), drawn(p99)]);
  }

  #make(): void {
    this.#rate?.destroy();
    this.#latency?.destroy();
    const [good, bad] = [colour('--good'), colour('--bad')];
    const fade = (one: string) => one.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.25)');
    const rate = (label: string, stroke: string): uPlot.Series => ({
      ...{ label, stroke, width: 1.5, points: { show: false }, fill: fade(stroke) },
      value: (_, value) => (value === null ? '–' : rounded(value)),
      paths: uPlot.paths.stepped?.({ align: 1 }) as uPlot.Series.PathBuilder,
    });
    const latency = (label: string, stroke: string): uPlot.Series => ({
      ...{ label, stroke, width: 1.5, points: { show: true, size: 3, fill: stroke } },
      value: (_, value) => (value === null ? '–' : duration(value)),
    });
    this.#rate = this.#chart(
      this.into.rate,
      [rate('all', good), rate('failed', bad)],
      { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
      {},
    );
    this.#latency = this.#chart(
      this.into.latency,
      [latency('p50', good), latency('p99', bad)],
      { distr: 3, range: (_, min, max) => decades(min, max) },
      {
        splits: (_, __, min, max) => powers(min, max),
        values: (_, all) => all.map((one) => duration(one, 1)),
        filter: (_, all) => all,
      },
    );
    if (this.#last) this.draw(this.#last);
  }

  #chart(into: HTMLElement, lines: uPlot.Series[], y: uPlot.Scale, yAxis: uPlot.Axis): uPlot {
    const [soft, grid] = [colour('--soft'), colour('--line')];
    const axis: uPlot.Axis = {
      ...{ stroke: soft, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } },
      font: `12px ${getComputedStyle(document.body).fontFamily}`,
    };
    return new uPlot(
      {
        ...this.#size(into),
        padding: [null, 32, null, null], // half a label of the time axis
        series: [{ value: (_, at) => (at === null ? '–' : `${date(at * 1000)} ${clock(at * 1000)}`) }, ...lines],
        axes: [
          { ...axis, space: 80, values: (_, all, __, ___, increment) => times(all, increment) },
          { ...axis, size: 62, ...yAxis },
        ],
        scales: { x: { range: (_, min, max) => [min, max] }, y },
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
    return { width: Math.max(120, into.clientWidth), height: Number.parseInt(css('--chart'), 10) };
  }

  #resize(): void {
    this.#rate?.setSize(this.#size(this.into.rate));
    this.#latency?.setSize(this.#size(this.into.latency));
  }
}

/** Returns the powers of ten (ms) around these values, at least one decade. */
function decades(min: number | null, max: number | null): [number, number] {
  const from = Math.floor(Math.log10(min ?? 0.01));
  return [tenTo(from), tenTo(Math.max(from + 1, Math.ceil(Math.log10(max ?? 100))))];
}

/** Returns the powers of ten from `min` to `max`, only each second or third if there are many. */
function powers(min: number, max: number): number[] {
  const [from, to] = [min, max].map((one) => Math.round(Math.log10(one))) as [number, number];
  const step = Math.ceil((to - from) / 5);
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => tenTo(from + i * step));
}
