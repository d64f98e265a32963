import { randomBytes } from 'node:crypto';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { type Listen, listen } from '../schemas/pipe/io/listen.js';
import type { Line } from '../schemas/pipe/line/line.js';
import { cause, RuntimeError, remedy } from '../schemas/pipe/messages/errors.js';
import { logMessage } from '../schemas/pipe/messages/log.js';
import type { Output, Stage } from '../schemas/pipe/stage/stage.js';
import { where } from '../schemas/where/where.js';
import { isLoopback } from './web/guard.js';
import { Ring } from './web/ring.js';
import { WebServer } from './web/server.js';

const options = {
  listen: {
    value: 'ADDRESS:PORT',
    short: 'l',
    parse: listen,
    help: 'Where the page is served (default 127.0.0.1:8040; port 0 takes a free one). Any address but loopback demands a token: that of the environment variable SYNPIPE_WEB_TOKEN, or else a random one, which is printed.',
  },
  keep: {
    value: 'EVENTS',
    parse: integer(1, 1_000_000),
    help: 'How many of the last events the page shows (default 20000). Up to half of them, those that wait stay longer than others.',
  },
  tee: { help: 'Pass the lines on too, to stand in the middle of a pipe.' },
} satisfies Options;

/** An event whose time is at most this far from the clock, when it comes, is of now, ms. */
const liveWithin = 60_000;

/** Identifies an attempt: ids are unique on one host. The same as in page/model.ts. */
const keyOf = (line: Line) => `${line.field('id')} ${line.field('host') ?? ''}`;

/** Shows events on a page, live. Serves on after the end of its input, until it is told to stop. */
class SinkWeb implements Stage {
  readonly name = 'sink-web';
  readonly sink: boolean;
  readonly #ring: Ring;
  readonly #run = Date.now().toString(36);
  #server: WebServer | undefined;
  #lost = 0;
  #live = false;
  #ended = false;
  #stopped = false;
  #stop = () => {};

  constructor(
    private readonly at: Listen,
    keep: number,
    private readonly tee: boolean,
    private readonly told: (url: string) => void,
  ) {
    this.sink = !tee;
    this.#ring = new Ring(keep);
  }

  async open(): Promise<void> {
    const { host, port } = this.at;
    const loopback = isLoopback(host);
    const token = process.env.SYNPIPE_WEB_TOKEN || randomBytes(18).toString('base64url');
    this.#server = new WebServer({
      ring: this.#ring,
      filter: where,
      access: { token, loopback },
      state: () => ({
        run: this.#run,
        total: this.#ring.next,
        lost: this.#lost,
        keep: this.#ring.size,
        ended: this.#ended,
        live: this.#live,
      }),
    });
    try {
      const bound = await this.#server.listen(host, port);
      const name = bound.address.includes(':') ? `[${bound.address}]` : bound.address;
      this.told(`http://${name}:${bound.port}/${loopback ? '' : `?token=${token}`}`);
    } catch (error) {
      this.#server = undefined;
      throw new RuntimeError(`cannot listen on ${host} port ${port}: ${cause(error)}; ${remedy(error)}`);
    }
  }

  line(line: Line, out: Output): void {
    const bytes = () => Buffer.from(line.buffer.subarray(line.start, line.end));
    if (line.type === 'connect') this.#ring.add(bytes());
    if (line.type === 'outcome') this.#ring.addOutcome(bytes(), keyOf(line));
    if (line.type === 'pending') {
      this.#ring.addPending(bytes(), keyOf(line));
      this.#live = Math.abs(Date.now() - Date.parse(line.field('ts') as string)) < liveWithin;
    }
    if (line.type === 'lost' && line.field('where') !== 'update') this.#lost += line.field('count') as number;
    this.#server?.changed();
    if (this.tee) out.pass(line);
    else out.stored(1);
  }

  async finish(): Promise<undefined> {
    this.#ended = true;
    this.#server?.changed();
    if (!this.#stopped) {
      await new Promise<void>((resolve) => {
        this.#stop = resolve;
      });
    }
  }

  asked(): void {
    this.#stopped = true;
    this.#stop();
  }

  end(): void {
    this.#server?.close();
  }
}

const stage = ({ values }: Parsed<typeof options>, told: (url: string) => void): Stage =>
  new SinkWeb(values.listen ?? listen('8040'), values.keep ?? 20_000, values.tee ?? false, told);

/** The stage for programs: `sinkWeb({ listen: '127.0.0.1:8040' }, (url) => …)`. */
export function sinkWeb(given: Given<typeof options> = {}, told: (url: string) => void = () => {}): Stage {
  return stage(parseGiven(options, given), told);
}

export const command = defineCommand({
  name: 'sink-web',
  summary: 'shows events on a web page, live',
  usage: '[OPTION]…',
  examples: [
    ['collector | sink-web', 'watch this machine at http://127.0.0.1:8040/'],
    ['sink-web < events.ndjson', 'look at what was kept'],
    ['collector | sink-web --tee | sink-file out.ndjson', 'watch, and keep all'],
  ],
  options,
  instead: { port: 'write --listen PORT' },
  notes: `The page needs nothing from the network. After the end of its input it is served on, until Ctrl-C.`,
  stage: (parsed) => stage(parsed, (url) => logMessage('sink-web', url)),
});
