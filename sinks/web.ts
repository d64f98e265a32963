import { randomBytes } from 'node:crypto';
import { attemptTypes, connectionTypes } from '../schemas/attempts.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, integer, type Options, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { type Listen, listen } from '../schemas/pipe/io/listen.js';
import type { Line } from '../schemas/pipe/line/line.js';
import { logMessage } from '../schemas/pipe/messages/log.js';
import type { Control, Output, Stage, Traits } from '../schemas/pipe/stage/stage.js';
import { where } from '../schemas/where/where.js';
import { isLoopback } from './web/guard.js';
import { Ring } from './web/ring.js';
import { WebServer } from './web/server.js';

const options = {
  listen: {
    value: 'ADDRESS:PORT',
    short: 'l',
    parse: listen,
    help: 'Where to serve the page (default 127.0.0.1:8040; port 0 picks a free port). On any address except loopback, the page requires a token: the value of the environment variable SYNPIPE_WEB_TOKEN, or a random token, which is printed.',
  },
  keep: {
    value: 'EVENTS',
    parse: integer(1, 1_000_000),
    help: 'How many of the latest events the page shows (default 20000). Up to half of them may be pending attempts, which are kept longer than others.',
  },
  tee: { help: 'Also pass the lines on, for use in the middle of a pipeline.' },
} satisfies Options;

/** Events are live if their time is at most this far from the clock when they arrive (ms). */
const liveWithin = 60_000;

/** Returns an attempt's key. Ids are unique only per host. Must match keyOf in page/model.ts. */
const keyOf = (line: Line) => `${line.field('id')} ${line.field('host') ?? ''}`;

/** Shows events on a web page, live. Keeps serving after the end of input, until a signal stops it. */
class SinkWeb implements Stage {
  readonly name = 'sink-web';
  readonly traits: Traits;
  readonly control: Control = { asked: () => this.#end() };
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
    private readonly onListening: (url: string) => void,
  ) {
    this.traits = { sink: !tee };
    this.#ring = new Ring(keep);
  }

  async open(): Promise<void> {
    const loopback = isLoopback(this.at.host);
    const token = process.env.SYNPIPE_WEB_TOKEN || randomBytes(18).toString('base64url');
    this.#server = new WebServer({
      ring: this.#ring,
      filter: (expression) => where(expression, [...attemptTypes, 'dns']),
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
    const root = await this.#server.listen(this.at);
    this.onListening(`${root}/${loopback ? '' : `?token=${token}`}`);
  }

  line(line: Line, out: Output): void {
    const bytes = () => Buffer.from(line.buffer.subarray(line.start, line.end));
    if (line.type === 'connect') this.#ring.add(bytes());
    if (line.type === 'outcome') this.#ring.addOutcome(bytes(), keyOf(line));
    if (connectionTypes.includes(line.type)) this.#ring.add(bytes());
    if (line.type === 'pending') {
      this.#ring.addPending(bytes(), keyOf(line));
      this.#live = Math.abs(Date.now() - Date.parse(line.field('ts') as string)) < liveWithin;
    }
    // A failed look-up is why an attempt was never made. One that is normal because of a search list does not count as a failure.
    if (line.type === 'dns' && line.field('error') !== undefined && !line.field('search')) this.#ring.add(bytes());
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

  #end(): void {
    this.#stopped = true;
    this.#stop();
  }

  close(): void {
    this.#server?.close();
  }
}

const stage = ({ values }: Parsed<typeof options>, onListening: (url: string) => void): Stage =>
  new SinkWeb(values.listen ?? listen('8040'), values.keep ?? 20_000, values.tee ?? false, onListening);

/**
 * Creates the stage for use in a program: `sinkWeb({ listen: '127.0.0.1:8040', onListening: (url) => … })`. Calls `onListening`
 * with the URL of the page. Throws UsageError on a bad value.
 */
export function sinkWeb({
  onListening = () => {},
  ...given
}: Given<typeof options> & { onListening?: (url: string) => void } = {}): Stage {
  return stage(parseGiven(options, given), onListening);
}

export const command = defineCommand({
  name: 'sink-web',
  summary: 'shows events on a web page, live',
  usage: '[OPTION]…',
  examples: [
    ['collector | sink-web', 'watch this machine at http://127.0.0.1:8040/'],
    ['sink-web events.ndjson', 'look at recorded events'],
    ['collector | sink-web --tee | sink-file out.ndjson', 'watch, and record everything'],
  ],
  options,
  instead: { port: 'write --listen PORT' },
  notes: `The page loads nothing from the network. It stays available after the end of input, until Ctrl-C.`,
  stage: (parsed) => stage(parsed, (url) => logMessage('sink-web', url)),
});
