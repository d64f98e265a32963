import { Readable, pipeline as streams } from 'node:stream';
import split2 from 'split2';
import { drive, type Input, Ledger } from './drive.js';
import { RuntimeError } from './errors.js';
import type { InvalidPolicy } from './invalid.js';
import type { AnyEvent } from './line.js';
import { canonical, type Stage, select } from './stage.js';

/** NDJSON as bytes or text, in pieces cut anywhere (a stream, a file, `collector()`), or events. */
export type Source = AsyncIterable<Uint8Array | string | AnyEvent> | Iterable<Uint8Array | string | AnyEvent>;

/**
 * Runs a source through stages inside this process: `await pipeline(collector(), filter({ dport: 443 }), sinkFile(path))`.
 * Resolves, once the source has ended, to each stage's ledger. Rejects at the first invalid line and the first error.
 */
export async function pipeline(source: Source, ...stages: Stage[]): Promise<Ledger[]> {
  const { flow, ledgers } = connect(source, stages);
  try {
    for await (const _ of flow);
  } finally {
    release(source);
  }
  return ledgers;
}

/** The events that a source and stages give, as validated objects: `for await (const event of events(collector()))`. */
export async function* events(source: Source, ...stages: Stage[]): AsyncGenerator<AnyEvent> {
  // What a stage lets through is valid, and no line is longer than the limit.
  const checked = stages.length > 0 ? stages : [select('events', [], () => true, {})];
  const copies = async function* () {
    for await (const bytes of connect(source, checked).flow) yield Buffer.from(bytes);
  };
  try {
    yield* streams(
      Readable.from(copies()),
      split2((line: string): AnyEvent => JSON.parse(line)),
      () => {},
    ); // the iteration throws its error
  } finally {
    release(source);
  }
}

/** Ends a stream nobody reads any more, even while it waits: a generator's return() would wait with it. */
function release(source: Source): void {
  if (source instanceof Readable) source.destroy();
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
