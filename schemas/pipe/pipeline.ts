import { Readable, pipeline as streams } from 'node:stream';
import split2 from 'split2';
import { drive, type Input, Ledger } from './drive.js';
import { RuntimeError } from './errors.js';
import type { InvalidPolicy } from './invalid.js';
import { type AnyEvent, invalid } from './line.js';
import { lineLimit } from './lines.js';
import { canonical, type Stage } from './stage.js';

/** NDJSON as bytes or text, in pieces cut anywhere (a stream, a file, `collector()`), or events. */
export type Source = AsyncIterable<Uint8Array | string | AnyEvent> | Iterable<Uint8Array | string | AnyEvent>;

/**
 * Runs a source through stages inside this process: `await pipeline(collector(), filter({ dport: 443 }), sinkFile(path))`.
 * Resolves, once the source has ended, to each stage's ledger. Rejects at the first invalid line and the first error.
 */
export async function pipeline(source: Source, ...stages: Stage[]): Promise<Ledger[]> {
  const { flow, ledgers } = connect(source, stages);
  for await (const _ of flow);
  return ledgers;
}

/** The events that a source and stages give, as validated objects: `for await (const event of events(collector()))`. */
export async function* events(source: Source, ...stages: Stage[]): AsyncGenerator<AnyEvent> {
  const copies = async function* () {
    for await (const bytes of connect(source, stages).flow) yield Buffer.from(bytes);
  };
  yield* streams(Readable.from(copies()), split2(parse), () => {}); // the iteration throws its error
}

function connect(source: Source, stages: Stage[]): { flow: AsyncIterable<Uint8Array>; ledgers: Ledger[] } {
  let flow: AsyncIterable<Uint8Array> = bytesOf(source);
  const ledgers = stages.map((stage) => {
    const ledger = new Ledger();
    flow = driven(stage, flow, ledger);
    return ledger;
  });
  return { flow, ledgers };
}

async function* bytesOf(source: Source): AsyncGenerator<Uint8Array> {
  for await (const part of source) {
    if (part instanceof Uint8Array) yield part;
    else yield Buffer.from(typeof part === 'string' ? part : `${canonical(part)}\n`);
  }
}

async function* driven(stage: Stage, flow: AsyncIterable<Uint8Array>, ledger: Ledger): AsyncGenerator<Uint8Array> {
  const policy: InvalidPolicy = {
    line: (number, reason) => {
      throw new RuntimeError(`${stage.name}: line ${number}: ${reason}`);
    },
    end: () => true,
  };
  const chunks = flow[Symbol.asyncIterator]();
  try {
    yield* drive(stage, reader(chunks), policy, ledger);
  } finally {
    await chunks.return?.(); // whoever stops early stops what feeds it
  }
}

function reader(chunks: AsyncIterator<Uint8Array>): Input {
  let rest: Uint8Array = Buffer.alloc(0);
  return {
    async read(into) {
      while (rest.length === 0) {
        const next = await chunks.next();
        if (next.done) return 0;
        rest = next.value;
      }
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
  };
}

/** A line as an event; a blank one as nothing. Never null, which would end the stream of objects. */
function parse(text: string): AnyEvent | undefined {
  if (text.trim() === '') return undefined;
  if (Buffer.byteLength(text) > lineLimit) throw new RuntimeError(`a line is longer than ${lineLimit} bytes`);
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    throw new RuntimeError('a line is not JSON');
  }
  const reason = invalid(event);
  if (reason !== undefined) throw new RuntimeError(reason);
  return event as AnyEvent;
}
