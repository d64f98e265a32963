import { Line } from '../../../schemas/pipe/line/line.js';
import { Model } from '../../../sinks/top/model.js';
import { arrange, type Size } from '../../../sinks/top/page.js';
import { initialState, type Shown, type State } from '../../../sinks/top/state.js';
import { view } from '../../../sinks/top/view.js';

process.env.TZ = 'UTC';
const base = Date.UTC(2026, 10, 23, 8, 15, 30);
/** A time this many seconds after 08:15:30, as in an event and in µs. */
export const at = (s: number) => `${new Date(base + s * 1_000).toISOString().slice(0, -1)}000Z`;
export const us = (s: number) => (base + s * 1_000) * 1_000;

let ids = 0;
/** An outcome at this second. */
export function outcome(s: number, more: object = {}) {
  return {
    ...{ type: 'outcome', v: 1, seq: 1, ts: at(s), start: at(s), id: `${++ids}`, pid: 1234, comm: 'curl' },
    ...{ family: 4, daddr: '192.0.2.1', dport: 443, via: 'connect', result: 'established', latency_us: 1_000 },
    ...more,
  };
}

export const refused = (s: number, more: object = {}) =>
  outcome(s, { result: 'refused', errno: 111, error: 'ECONNREFUSED', ...more });

/** An attempt that has waited since this second, for some seconds. */
export function pending(s: number, waited: number, more: object = {}) {
  const { latency_us: _, ...event } = outcome(s + waited, { type: 'pending', result: 'pending', start: at(s) });
  return { ...event, waited_us: waited * 1e6, ...more };
}

/** An established connection that ended at this second. */
export const closed = (s: number, more: object = {}) => {
  const { result: _, ...event } = outcome(s, { type: 'closed' });
  return { ...event, closed_by: 'remote', bytes_sent: 0, bytes_received: 0, ...more };
};

/** A look-up at this second. */
export function dns(s: number, more: object = {}) {
  return { type: 'dns', v: 1, seq: 1, ts: at(s), netns: 1, name: 'www.example.com', server: '192.0.2.53', ...more };
}

export const nxdomain = (s: number, name: string, more: object = {}) =>
  dns(s, { name, rcode: 'NXDOMAIN', error: 'NXDOMAIN', comm: 'curl', transport: 'udp', ...more });

/** Gives these events to a model. Throws if one is invalid. */
export function feed(model: Model, ...events: object[]): Model {
  const line = new Line();
  for (const event of events) {
    const bytes = Buffer.from(JSON.stringify(event));
    const reason = line.take(bytes, 0, bytes.length);
    if (reason !== undefined) throw new Error(`${reason}: ${bytes}`);
    model.take(line);
  }
  return model;
}

/** What is shown at this second, of these events. */
export function shown(s: number, ...events: object[]): Shown {
  const model = feed(new Model(), ...events);
  return { model, all: model, now: us(s), source: 'live', hasEnded: false, messages: [] };
}

/** The screen without styles, and without blanks at the ends of lines. */
export function screen(what: Shown, size: Size, state: State = initialState()): string[] {
  return drawn(what, size, state, false).map((line) => plain(line).trimEnd());
}

/** The screen with its styles. */
export function drawn(what: Shown, size: Size, state: State, colour: boolean): string[] {
  return view(what, state, arrange(what, state, size), colour);
}

const styles = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');
export const plain = (line: string) => line.replace(styles, '');
