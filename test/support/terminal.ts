import { spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import headless from '@xterm/headless';
import { undo, until } from './process.js';
import { env } from './shell.js';

const script = fileURLToPath(new URL('terminal.py', import.meta.url));

/** A command whose standard output is a real terminal, and what that terminal shows. */
export class Terminal {
  readonly #screen;
  readonly #child;
  /** Everything that was written to it. */
  written = '';
  readonly ended: Promise<number | null>;

  constructor(t: TestContext, command: string[], columns = 80, rows = 12) {
    this.#screen = new headless.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 1000 });
    this.#child = spawn('python3', [script, String(columns), String(rows), ...command], {
      env: { ...env, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
    });
    undo(t, () => this.#child.kill('SIGKILL'));
    this.#child.stdout?.on('data', (data: Buffer) => {
      this.written += data.toString('latin1');
      this.#screen.write(data);
    });
    this.#child.stdin?.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code) => this.#screen.write('', () => resolve(code))); // the screen draws output a little later
    });
  }

  /** Writes text that was on the terminal before the command. */
  before(text: string): void {
    this.#screen.write(text);
  }

  input(text: string): void {
    this.#child.stdin?.write(text);
  }

  end(): void {
    this.#child.stdin?.end();
  }

  /** Waits until keys are delivered one by one. */
  async takesKeys(): Promise<void> {
    const before = this.written.length;
    this.#tell('keys');
    await until('the terminal to take keys', () => this.written.includes('\x1b]0;keys\x07', before));
  }

  type(keys: string): void {
    this.#tell(`type ${Buffer.from(keys).toString('hex')}`);
  }

  /** Closes the terminal, as when its window is closed. */
  hangUp(): void {
    this.#tell('hangup');
  }

  #tell(what: string): void {
    (this.#child.stdio[3] as NodeJS.WritableStream).write(`${what}\n`);
  }

  resize(columns: number, rows: number): void {
    this.#screen.resize(columns, rows);
    this.#tell(`resize ${columns} ${rows}`);
  }

  /** The visible lines, without trailing blanks and empty lines at the end. */
  get lines(): string[] {
    const { active } = this.#screen.buffer;
    const lines = Array.from({ length: this.#screen.rows }, (_, y) => line(active.getLine(active.baseY + y)));
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  /** The lines that have scrolled out at the top. */
  get history(): string[] {
    const { active } = this.#screen.buffer;
    return Array.from({ length: active.baseY }, (_, y) => line(active.getLine(y)));
  }

  /** Where the cursor is, and whether it is visible. */
  get cursor(): { row: number; column: number; shown: boolean; wraps: boolean } {
    const { active } = this.#screen.buffer;
    const { wraparoundMode } = this.#screen.modes;
    const shown = this.written.lastIndexOf('\x1b[?25h') >= this.written.lastIndexOf('\x1b[?25l');
    return { row: active.cursorY, column: active.cursorX, shown, wraps: wraparoundMode };
  }

  async shows(what: string, holds: (lines: string[]) => boolean): Promise<void> {
    await until(`${what} on the screen`, () => holds(this.lines));
  }
}

const line = (row: { translateToString(trim: boolean): string } | undefined) =>
  row?.translateToString(true).trimEnd() ?? '';
