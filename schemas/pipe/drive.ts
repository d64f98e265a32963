import type { Status } from '../generated/events.js';
import { kinds } from '../generated/scan.js';
import { version } from '../generated/version.js';
import { Batch } from './batch.js';
import type { InvalidPolicy } from './invalid.js';
import { type AnyEvent, Line } from './line.js';
import { Lines, lineLimit } from './lines.js';
import { unknownKind } from './scan/scanner.js';
import { canonical, type Output, type Stage } from './stage.js';

const writeAt = 1 << 20;

/** Where the bytes come from: 0 is the end, -1 a stop in the middle. */
export interface Input {
  read(into: Buffer): Promise<number>;
}

/** What a stage has counted; in = out + filtered + invalid once its input has ended well. */
export class Ledger {
  in = 0;
  out = 0;
  filtered = 0;
  invalid = 0;
  lost = 0;
}

/** A `status` event. */
export function status(stage: string, phase: 'start' | 'end', more: Partial<Status>): Status {
  const ts = new Date().toISOString().replace('Z', '000Z');
  return { type: 'status', v: 1, ts, stage, phase, version, ...more };
}

/**
 * Feeds a stage from its input until that ends, and yields the bytes it makes, whole lines, a chunk's worth at once:
 * many lines when there are many, each line when they are few. What was yielded is valid until the next is asked for.
 * Throws what the stage, the policy or the input throws.
 */
export async function* drive(
  stage: Stage,
  input: Input,
  policy: InvalidPolicy,
  ledger: Ledger,
  withStatus = false,
): AsyncGenerator<Buffer, void> {
  const lines = new Lines();
  const line = new Line();
  const batch = new Batch();
  let number = 0;
  const keep = stage.keep?.bind(stage);
  let gap = 0; // invalid lines since the last valid one

  const out: Output = {
    pass: ({ buffer, start, end }) => {
      batch.line(buffer, start, end + 1);
      ledger.out++;
    },
    drop: () => {
      ledger.filtered++;
    },
    stored: (count) => {
      ledger.out += count;
    },
    event: (event) => {
      batch.text(canonical(event));
      ledger.out++;
    },
    bytes: (buffer, start, end) => {
      batch.bytes(buffer, start, end);
      ledger.out++;
    },
    lost: (where, count) => {
      ledger.lost += count;
      if (!stage.sink) own({ type: 'lost', v: 1, stage: stage.name, where, count });
    },
    text: (text) => batch.text(text),
    wake: () => waiting.wake(),
    get full() {
      return batch.length > writeAt;
    },
  };
  const waiting = new Waiting();
  /** The stage's own account is not among what it counts. */
  const own = (event: AnyEvent) => batch.text(canonical(event));
  const bad = (reason: string, raw: Buffer) => {
    ledger.in++;
    ledger.invalid++;
    ledger.lost++;
    gap++;
    policy.line(number, reason, raw);
  };
  /** Says in the stream, at the place of the invalid lines, that they are missing. A sink has no stream. */
  const tellGap = () => {
    if (gap > 0 && !stage.sink) own({ type: 'lost', v: 1, stage: stage.name, where: 'invalid', count: gap });
    gap = 0;
  };

  /** Hands the lines at hand to the stage. Returns whether some are left because there is enough to write. */
  const consume = async (wants: (kind: number, type: string) => boolean): Promise<boolean> => {
    for (let next = lines.next(); next !== 'more'; next = lines.next()) {
      number++;
      const { buffer, start, end } = lines;
      if (next === 'long') {
        bad(`longer than ${lineLimit} bytes`, lines.head);
        continue;
      }
      const kind = lines.table[lines.record + 2] as number;
      if (kind !== unknownKind) line.move(buffer, start, end, lines.table, lines.record);
      else {
        if (blank(buffer, start, end)) continue;
        const reason = line.parse(buffer, start, end);
        if (reason !== undefined) {
          bad(reason, buffer.subarray(start, end));
          continue;
        }
      }
      ledger.in++;
      if (gap > 0) tellGap();
      if (!wants(kind, line.type)) out.pass(line);
      else if (keep) {
        if (keep(line)) out.pass(line);
        else ledger.filtered++;
      } else {
        const pending = stage.line(line, out);
        if (pending) await pending;
      }
      if (batch.length > writeAt) return true;
    }
    return false;
  };

  try {
    await stage.open?.(out);
    const wants = wanted(stage.types);
    if (withStatus)
      own(
        status(
          stage.name,
          'start',
          stage.filters && Object.keys(stage.filters).length > 0 ? { filters: stage.filters } : {},
        ),
      );
    if (batch.length > 0) yield batch.take();
    for (let bytes = 1; bytes > 0; ) {
      const read = waiting.until(input.read(lines.space()));
      let came = await read();
      for (; came === undefined; came = await read()) {
        await stage.flush?.(out);
        if (batch.length > 0) yield batch.take();
      }
      bytes = came;
      if (bytes > 0) lines.filled(bytes);
      else if (bytes === 0) lines.finish();
      for (let left = true; left; ) {
        let failure: { error: unknown } | undefined;
        try {
          left = await consume(wants);
          if (!left && bytes <= 0) tellGap();
        } catch (error) {
          failure = { error };
        }
        await stage.flush?.(out); // what came before a failure goes on all the same
        if (batch.length > 0) yield batch.take();
        if (failure) throw failure.error;
      }
    }
    for (let more = true; more; ) {
      more = (await stage.finish?.(out)) === true;
      if (batch.length > 0) yield batch.take();
    }
  } finally {
    await stage.end?.(out);
  }
  if (withStatus) own(status(stage.name, 'end', { ...ledger, ...stage.counts?.() }));
  if (batch.length > 0) yield batch.take();
}

/** Whether a stage wants to see a line, by its kind or, where that is not known, its type. */
function wanted(types: readonly string[] | undefined): (kind: number, type: string) => boolean {
  if (!types) return () => true;
  const byType = new Set(types);
  const byKind = kinds.map(({ type }) => byType.has(type));
  return (kind, type) => (kind === unknownKind ? byType.has(type) : (byKind[kind] as boolean));
}

/** Waits for a read, and meanwhile for being woken. */
class Waiting {
  #woken = false;
  #resume = () => {};

  wake(): void {
    this.#woken = true;
    this.#resume();
  }

  /** Each call resolves to the bytes read, or to undefined when woken before that. */
  until(read: Promise<number>): () => Promise<number | undefined> {
    let done = false;
    const settled = read.finally(() => {
      done = true;
      this.#resume();
    });
    settled.catch(() => {}); // whoever waits gets the error
    return async () => {
      if (!done && !this.#woken) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
      }
      if (done) return settled;
      this.#woken = false;
      return undefined;
    };
  }
}

function blank(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = buffer[at];
    if (byte !== 32 && byte !== 13 && byte !== 9) return false;
  }
  return true;
}
