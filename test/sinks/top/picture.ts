/** Makes the picture of `synpipe top` for the README: its screen on the recording of the package, as an SVG. */
import { fileURLToPath } from 'node:url';
import headless from '@xterm/headless';
import { Line } from '../../../schemas/pipe/line/line.js';
import { ready } from '../../../schemas/pipe/terminal/shorten.js';
import { Model } from '../../../sinks/top/model.js';
import { initialState } from '../../../sinks/top/state.js';
import { root, shell } from '../../support/shell.js';
import { drawn } from './shown.js';

export const path = fileURLToPath(new URL('../../../sinks/top/top.svg', import.meta.url));

const size = { columns: 100, rows: 30 };
const [width, height, margin] = [8.4, 18, 14]; // of a character, and around the screen
const colours = { back: '#12161c', text: '#d6dde6', 1: '#ff7b72', 2: '#7ee787', 3: '#f2cc60', 6: '#79c0ff' };
/** How long after the last attempt has begun to wait the picture is taken (µs). */
const after = 1_300_000;

/** Returns the picture. */
export async function picture(): Promise<string> {
  const names = 'enrich --offline --keep-dns --with names,service';
  const { stdout } = await shell(`${names} < ${root}dist/collector/replay/sample.ndjson`, root);
  const lines = stdout.trimEnd().split('\n');
  const timeOf = (line: string) => Date.parse(JSON.parse(line).ts) * 1_000;
  const now = timeOf(lines.findLast((line) => line.startsWith('{"type":"pending"')) as string) + after;
  const model = new Model();
  const one = new Line();
  for (const line of lines.filter((text) => timeOf(text) <= now)) {
    const bytes = Buffer.from(line);
    one.take(bytes, 0, bytes.length);
    model.take(one);
  }
  await ready(['日']);
  const shown = { model, all: model, now, source: 'live', hasEnded: false, messages: [] };
  const screen = new headless.Terminal({ cols: size.columns, rows: size.rows, allowProposedApi: true });
  const text = drawn(shown, size, initialState(), true).join('\r\n');
  await new Promise<void>((resolve) => screen.write(text, resolve));
  return svg(screen);
}

interface Run {
  text: string;
  at: number;
  columns: number;
  style: string;
  isInverse: boolean;
}

function svg(screen: InstanceType<typeof headless.Terminal>): string {
  const rows = Array.from({ length: size.rows }, (_, row) => runs(screen, row).map((run) => drawRun(run, row)));
  const [wide, high] = [size.columns * width + 2 * margin, size.rows * height + 2 * margin].map(Math.ceil);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}" height="${high}" viewBox="0 0 ${wide} ${high}" role="img">
<title>synpipe top: waiting attempts, failing destinations, who talks to whom, failed DNS look-ups</title>
<rect width="100%" height="100%" rx="8" fill="${colours.back}"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="${colours.text}" xml:space="preserve">
${rows.flat().join('\n')}
</g>
</svg>
`;
}

/** Returns the texts of a row with one style each. */
function runs(screen: InstanceType<typeof headless.Terminal>, row: number): Run[] {
  const line = screen.buffer.active.getLine(row);
  const all: Run[] = [];
  for (let at = 0; at < size.columns; at++) {
    const cell = line?.getCell(at);
    if (!cell || cell.getWidth() === 0) continue;
    const isInverse = cell.isInverse() > 0;
    const colour = cell.isFgDefault() ? colours.text : colours[cell.getFgColor() as 1 | 2 | 3 | 6];
    const bold = cell.isBold() ? ' font-weight="bold"' : '';
    const underline = cell.isUnderline() ? ' text-decoration="underline"' : '';
    const style = `fill="${isInverse ? colours.back : colour}"${bold}${underline}`;
    const last = all.at(-1);
    if (last?.style === style && last.isInverse === isInverse) {
      last.text += cell.getChars() || ' ';
      last.columns += cell.getWidth();
    } else all.push({ text: cell.getChars() || ' ', at, columns: cell.getWidth(), style, isInverse });
  }
  return all;
}

function drawRun({ text, at, columns, style, isInverse }: Run, row: number): string {
  const [x, y, long] = [margin + at * width, margin + row * height, columns * width].map((value) => +value.toFixed(1));
  const box = isInverse ? `<rect x="${x}" y="${y}" width="${long}" height="${height}" fill="${colours.text}"/>` : '';
  if (text.trim() === '' && !style.includes('underline')) return box;
  const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `${box}<text x="${x}" y="${(y as number) + 13.5}" textLength="${long}" ${style}>${safe}</text>`;
}
