import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tiers } from '../../dist/collector/addon.js';
import { onExit } from '../live/folder.js';
import { cases } from './cases.js';
import type { Report } from './conformance.js';

const here = fileURLToPath(new URL('.', import.meta.url));
export const kernels = (process.env.SYNPIPE_VM_KERNELS ?? '6.1 6.12').split(/[ ,]+/).filter(Boolean);

const isArm64 = (kernel: string | undefined) => kernel?.endsWith('-arm64') ?? false;

const built = new Map<boolean, string>();
/** Compiles the client to a path that a guest of that kernel can see. */
export function compiled(kernel?: string): string {
  const arm64 = isArm64(kernel);
  const known = built.get(arm64);
  if (known) return known;
  const folder = mkdtempSync('/var/tmp/synpipe-client-');
  onExit(() => rmSync(folder, { recursive: true, force: true }));
  const cwd = `${here}../live/client`;
  const sources = readdirSync(cwd).filter((file) => file.endsWith('.c'));
  const compile = (compiler: string, to: string, ...more: string[]) =>
    execFileSync(compiler, ['-O1', '-pthread', ...more, '-o', `${folder}/${to}`, ...sources], { cwd });
  if (arm64) {
    const ci = `${here}../../.ci`;
    execFileSync(`${ci}/cross`, ['arm64']);
    if (!existsSync('/usr/arm-linux-gnueabihf/include/stdio.h'))
      execFileSync(`${ci}/install`, ['gcc-arm-linux-gnueabihf', 'libc6-dev-armhf-cross']);
    compile('aarch64-linux-gnu-gcc', 'client');
    compile('arm-linux-gnueabihf-gcc', 'client-32', '-static');
  } else compile('gcc', 'client');
  built.set(arm64, `${folder}/client`);
  return `${folder}/client`;
}

/** A guest, with additions to its kernel command line. */
interface Boot {
  kernel: string;
  append: string;
}

/** Runs a script of this folder, on this machine or in a guest. Returns the JSON that it prints. */
export async function examine<R>(on: string | Boot | undefined, script: string, ...args: string[]): Promise<R> {
  const { kernel, append } = typeof on === 'object' ? on : { kernel: on, append: '' };
  const command = ['node', '--import', 'tsx', `${here}${script}`, ...args];
  // arm64 takes much longer to emulate: with a clock of its own, the guest does not notice when this machine is busy
  const more = isArm64(kernel) ? ['--icount'] : [];
  const guest = [`${here}run`, '--kernel', kernel ?? '', '--append', append, ...more, '--', ...command];
  const [file, ...rest] = kernel ? guest : command;
  const options = {
    env: {
      ...process.env,
      SYNPIPE_VM_CLIENT: compiled(kernel),
      NODE_TEST_CONTEXT: '',
      ...(kernel && { SYNPIPE_VM_GUEST: '1' }),
    },
    maxBuffer: 1 << 26,
    timeout: 1_200_000,
  };
  const { stdout } = await promisify(execFile)(file as string, rest, options);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as R;
}

/** The series of a release: 6.12, 6.12-rt, or 6.12-arm64. */
const series = ({ kernel }: Report) =>
  [/^\d+\.\d+/, /-rt\b/, /-arm64$/].map((part) => part.exec(kernel) ?? '').join('');

/** By column: the cells by row. */
export type Table = Map<string, Map<string, string>>;

export function tableOf(reports: Report[]): Table {
  const table: Table = new Map();
  for (const report of reports) {
    for (const tier of tiers) {
      const cell = (row: string) => [
        row,
        report.missing[tier] ? 'n/a' : (report.table[row]?.[tier] ?? 'wrong: not run'),
      ];
      const rows = [...cases.map(({ name }) => name), ...Object.keys(report.table)];
      table.set(`${series(report)} ${tier}`, new Map(rows.map(cell) as [string, string][]));
    }
  }
  return table;
}

const widths = (lines: string[][]) => lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));

export function markdown(table: Table): string {
  const columns = [...table.keys()];
  const rows = [...(table.values().next().value?.keys() ?? [])];
  const lines = [
    ['case', ...columns],
    ...rows.map((row) => [row, ...columns.map((at) => table.get(at)?.get(row) ?? '')]),
  ];
  const width = widths(lines) as number[];
  lines.splice(
    1,
    0,
    width.map((size) => '-'.repeat(size)),
  );
  return lines.map((line) => `| ${line.map((text, i) => text.padEnd(width[i] as number)).join(' | ')} |`).join('\n');
}

/** Parses a table of CONFORMANCE.md. */
export function parse(text: string): Table {
  const lines = text.split('\n').filter((line) => line.startsWith('|'));
  const [head, , ...rows] = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  ) as string[][];
  return new Map(
    head?.slice(1).map((column, i) => [column, new Map(rows.map((row) => [row[0] as string, row[i + 1] as string]))]),
  );
}
