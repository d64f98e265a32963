import type { Status } from '../../schemas/generated/events.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { divertMessages, logMessage, printMessage } from '../../schemas/pipe/messages/log.js';
import type { Control, Output, Stage } from '../../schemas/pipe/stage/stage.js';
import { RunSummary } from '../../schemas/pipe/terminal/run-summary.js';
import { missing } from '../../schemas/pipe/terminal/shorten.js';
import { Keys } from '../terminal/keys.js';
import type { ViewInput } from '../terminal/view-input.js';
import { Clock } from './clock.js';
import { Filtered } from './filtered.js';
import { keyNames } from './key-names.js';
import { press } from './keys.js';
import { Memory } from './memory.js';
import { Model } from './model.js';
import { current } from './overlay.js';
import { Pace } from './pace.js';
import { arrange } from './page.js';
import { Screen } from './screen.js';
import { initialState, type Shown } from './state.js';
import { view } from './view.js';

/** The terminal to draw on: process.stdout. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  on(event: 'resize', changed: () => void): unknown;
  off(event: 'resize', changed: () => void): unknown;
}

/** The alternate screen, without line wrap and cursor; and back. */
const [enter, leave] = ['\x1b[?1049h\x1b[?7l\x1b[?25l', '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l'];
const most = { messages: 200, printed: 20 };
/** How long to wait for the first event before saying so (ms). */
const patienceMs = 3_000;
/** How long to wait after a drawing: for a key, if something waits or has come, and if only time passes (ms). */
const pauses = { key: 0, event: 334, idle: 1_000 };

/**
 * Shows what the events add up to on the whole screen, until q is pressed. The screen is used from the first event on: until
 * then, sudo may ask for a password.
 */
export class Top implements Stage {
  readonly name = 'synpipe top';
  readonly traits = { sink: true };
  readonly control: Control = {
    /** The first signal: the screen is left at once, and what is still in the pipe is counted. */
    asked: () => {
      this.#isOver = true;
      this.#wake();
    },
    skipped: (count: number) => {
      this.#all.invalid += count;
    },
  };
  readonly #state = initialState();
  readonly #screen = new Screen();
  readonly #pace = new Pace();
  readonly #memory = new Memory();
  readonly #clock: Clock;
  readonly #summary = new RunSummary();
  readonly #messages: string[] = [];
  readonly #keys: Keys;
  readonly #typed: string[] = [];
  readonly #all = new Model();
  readonly #filtered = new Filtered(this.#all);
  #frozen: Pick<Shown, 'model' | 'all' | 'now'> | undefined; // while paused
  #tier = '';
  #hasStarted = false;
  #ended: number | undefined; // when the input ended (ms)
  #isOver = false; // nothing is drawn any more
  #isDue = false;
  #timer: NodeJS.Timeout | undefined;
  #pauseBefore = 0; // the pause that the timer waits for
  #hint: NodeJS.Timeout | undefined;
  #left: Promise<void> | undefined;
  #wake = () => {};
  readonly #changed = () => {
    this.#screen.forget();
    this.#schedule(pauses.key);
  };

  constructor(
    private readonly terminal: Terminal,
    private readonly input: ViewInput,
    private readonly colour: boolean,
    filter = '',
  ) {
    this.#clock = new Clock(input.speed);
    const take = keyNames((key) => {
      this.#typed.push(key);
      this.#wake();
    });
    this.#keys = new Keys(take, enter, leave);
    if (input.listen) this.control.stop = () => 0; // it ends the commands that it started: nothing stops it in the middle
    if (filter !== '') {
      const wrong = this.#filtered.apply(filter);
      if (wrong !== undefined) throw new UsageError(wrong);
      this.#state.filter = filter;
    }
  }

  open(out: Output): void {
    this.#memory.start();
    this.#wake = () => out.wake();
    this.input.listen?.((message) => this.#note(message));
    this.#hint = setTimeout(() => logMessage(this.name, 'waiting for the first event; Ctrl-C stops'), patienceMs);
  }

  line(line: Line, out: Output): void {
    this.#start();
    out.stored(1);
    this.#summary.add(line.event);
    this.#clock.seen(this.#all.take(line));
    this.#filtered.take(line);
    if (line.type === 'status') this.#status(line.event as Status);
    if (!this.#frozen) this.#schedule(pauses.event);
  }

  flush(out: Output): void | Promise<void> {
    this.#handleKeys();
    if (this.#isOver) return this.#leave();
    if (this.#isDue) this.#draw(out);
  }

  async finish(out: Output): Promise<boolean> {
    if (this.#ended === undefined) {
      this.#ended = Date.now();
      this.#clock.stop();
      if (!this.#hasStarted) {
        if (!this.input.failure && !this.#isOver) logMessage(this.name, 'there were no events');
        this.#isOver = true;
      }
      this.#schedule(pauses.event);
    }
    for (;;) {
      this.#handleKeys(); // first: a key may have come while the screen was being written, when nothing was waiting for it
      if (this.#isOver) break;
      if (this.#isDue) {
        this.#draw(out);
        return true;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    await this.#leave();
    const text = this.#summary.text(this.#ended);
    if (text !== undefined) out.write(text);
    if (this.input.failure) throw this.input.failure;
    return false;
  }

  close(): Promise<void> {
    return this.#leave();
  }

  #start(): void {
    if (this.#hasStarted || this.#isOver) return;
    this.#hasStarted = true;
    clearTimeout(this.#hint);
    divertMessages((message) => this.#note(message));
    this.terminal.on('resize', this.#changed);
    void this.#keys.start(this.#changed).then(this.#changed);
  }

  /** Leaves the screen, and prints the messages that were shown on it. */
  #leave(): Promise<void> {
    this.#left ??= (async () => {
      this.#isOver = true;
      clearTimeout(this.#timer);
      clearTimeout(this.#hint);
      this.terminal.off('resize', this.#changed);
      await this.#keys.end();
      divertMessages(undefined);
      for (const message of this.#messages.slice(-most.printed)) printMessage(message);
    })();
    return this.#left;
  }

  #note(message: string): void {
    if (!this.#hasStarted) {
      printMessage(message);
      return;
    }
    this.#messages.push(message);
    if (this.#messages.length > most.messages) {
      this.#messages.shift();
      this.#state.read = Math.max(0, this.#state.read - 1);
    }
    this.#schedule(pauses.event);
  }

  #status({ stage, phase, tier }: Status & { tier?: string }): void {
    if (stage === 'collector' && phase === 'start' && tier !== undefined) this.#tier = tier;
  }

  /** Schedules a drawing of the screen, at least `pause` ms after the last time. */
  #schedule(pause: number): void {
    if (this.#isOver || this.#isDue || !this.#keys.isOn || (this.#timer && this.#pauseBefore <= pause)) return;
    clearTimeout(this.#timer);
    this.#pauseBefore = pause;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isDue = true;
      this.#wake();
    }, this.#pace.wait(pause));
  }

  #draw(out: Output): void {
    this.#isDue = false;
    const { columns, rows } = this.terminal;
    const size = { columns: columns || 80, rows: rows || 24 }; // a serial console may not know its size
    const shown = this.#shown();
    const { overlay } = this.#state;
    if (overlay?.row) overlay.row = current(overlay.row, shown);
    const page = arrange(shown, this.#state, size);
    const lines = view(shown, this.#state, page, this.colour);
    const loading = missing();
    if (loading) {
      this.#drawAfter(loading);
      return;
    }
    const drawn = this.#screen.draw(lines);
    this.#pace.drew();
    this.#memory.check();
    if (drawn !== '') out.write(drawn);
    if (this.#ended === undefined && !this.#frozen) this.#schedule(shown.model.open > 0 ? pauses.event : pauses.idle);
  }

  #drawAfter(loading: Promise<void>): void {
    void loading.then(() => {
      this.#isDue = true;
      this.#wake();
    });
  }

  #shown(): Shown {
    const moving = { model: this.#filtered.model ?? this.#all, all: this.#all, now: this.#clock.now };
    const source = this.input.source + (this.#tier === '' ? '' : ` (${this.#tier})`);
    return { ...(this.#frozen ?? moving), source, hasEnded: this.#ended !== undefined, messages: this.#messages };
  }

  #handleKeys(): void {
    for (const key of this.#typed.splice(0)) {
      const { columns, rows } = this.terminal;
      const shown = this.#shown();
      const page = arrange(shown, this.#state, { columns: columns || 80, rows: rows || 24 });
      press(key, this.#state, page, shown, {
        quit: () => this.#quit(),
        redraw: () => this.#screen.forget(),
        pause: () => this.#pause(!this.#state.paused),
        filter: (text) => this.#filter(text),
      });
      this.#schedule(pauses.key);
    }
  }

  #quit(): void {
    this.#isOver = true;
    if (this.#ended === undefined) this.input.quit();
  }

  #pause(isPaused: boolean): void {
    this.#state.paused = isPaused;
    this.#frozen = undefined;
    if (!isPaused) return;
    const all = this.#all.copy();
    this.#frozen = { model: this.#filtered.model?.copy() ?? all, all, now: this.#clock.now };
  }

  /** Applies a filter. Returns what is wrong with it. */
  #filter(text: string): string | undefined {
    const wrong = this.#filtered.apply(text);
    if (wrong === undefined && this.#frozen) this.#pause(true);
    return wrong;
  }
}
