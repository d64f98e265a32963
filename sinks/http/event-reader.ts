import { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { LastSecond, secondLength } from '../../schemas/pipe/line/moment.js';
import { nanoseconds } from './preset.js';

const [ts, ecsTime, host] = [new LineField('ts'), new LineField('@timestamp'), new LineField('host')];
const digits = 9;

/** Reads single fields of events, without parsing them if the scanner accepts them. */
export class EventReader {
  readonly #line = new Line();
  #event: Record<string, unknown> | undefined; // if the scanner does not accept it
  // the second of the last time, and its number as text: most events come in order
  readonly #second = new LastSecond();
  #seconds = '';

  /** @param began the time of events that have no valid time (ms since the epoch) */
  constructor(private readonly began: number) {}

  /** Moves to a line, which is a valid event or, with --lenient, any JSON object. */
  move(bytes: Buffer): void {
    const isScanned = this.#line.scan(bytes, 0, bytes.length);
    this.#event = isScanned ? undefined : (JSON.parse(bytes.toString()) as Record<string, unknown>);
  }

  get type(): unknown {
    return this.#event ? this.#event.type : this.#line.type;
  }

  get host(): unknown {
    return this.#event ? this.#event.host : this.#line.text(host);
  }

  /** The event's time in nanoseconds since the epoch, as text. ECS events have it under another name. */
  get nanoseconds(): string {
    const line = this.#line;
    if (this.#event) return nanoseconds(this.#event.ts ?? this.#event['@timestamp'], this.began);
    const time = line.type === 'ecs' ? ecsTime : ts;
    if (!line.locate(time)) return nanoseconds(line.field('@timestamp'), this.began);
    const { raw, from } = line;
    if (this.#seconds !== '' && this.#second.has(raw, from + 1))
      return `${this.#seconds}${raw.toString('latin1', from + secondLength + 2, from + secondLength + 8)}000`;
    const text = nanoseconds(line.text(time), this.began);
    this.#second.keep(raw, from + 1);
    this.#seconds = text.startsWith('-') ? '' : text.slice(0, -digits);
    return text;
  }
}
