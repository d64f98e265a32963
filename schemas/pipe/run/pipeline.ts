import { Readable, pipeline as streams } from 'node:stream';
import split2 from 'split2';
import type { Event } from '../../generated/events.js';
import { fromChunks } from '../io/chunks.js';
import { canonical } from '../line/canonical.js';
import type { AnyEvent } from '../line/line.js';
import type { Ledger } from '../stage/ledger.js';
import { passAll } from '../stage/select.js';
import type { Stage } from '../stage/stage.js';
import { fuseStrictly } from './fuse.js';

/** NDJSON as bytes or text in chunks cut anywhere (a stream, a file, `collector()`), or event objects. */
export type PipelineSource = AsyncIterable<Uint8Array | string | AnyEvent> | Iterable<Uint8Array | string | AnyEvent>;

/**
 * Runs stages on a source, inside this process: `await pipeline(collector(), filter({ dport: 443 }), sinkFile({ path }))`.
 * Resolves to the ledgers of the stages once the source has ended. Rejects at the first invalid line or error.
 */
export async function pipeline(source: PipelineSource, ...stages: Stage[]): Promise<Ledger[]> {
  const ledgers: Ledger[] = [];
  try {
    for await (const _ of outputOf(source, stages.length > 0 ? stages : [every], ledgers));
  } finally {
    release(source);
  }
  return ledgers.slice(0, stages.length);
}

/**
 * Yields the events from a source and stages as validated objects: `for await (const event of events(collector()))`. Their
 * type is a union of all known events, discriminated by `type`. Events of unknown types are yielded too.
 */
export async function* events(source: PipelineSource, ...stages: Stage[]): AsyncGenerator<Event> {
  const checked = stages.length > 0 ? stages : [every];
  const copies = async function* () {
    for await (const bytes of outputOf(source, checked)) yield Buffer.from(bytes);
  };
  try {
    yield* streams(
      Readable.from(copies()),
      split2((line: string): Event => JSON.parse(line)),
      () => {},
    ); // the iteration throws the error
  } finally {
    release(source);
  }
}

/** Stands in for a missing stage: checks that lines are valid and not too long, as each stage does. */
const every = passAll('events');

/** Destroys a stream that is not read any more, even while it waits: return() of a generator would wait too. */
function release(source: PipelineSource): void {
  if (source instanceof Readable) source.destroy();
}

/** Yields the output of stages on a source. */
async function* outputOf(source: PipelineSource, stages: Stage[], ledgers?: Ledger[]): AsyncGenerator<Buffer, void> {
  const chunks = bytesOf(source);
  try {
    yield* fuseStrictly(stages, fromChunks(chunks), ledgers);
  } finally {
    await chunks.return(); // a consumer that stops early also stops the source
  }
}

async function* bytesOf(source: PipelineSource): AsyncGenerator<Uint8Array, void> {
  for await (const part of source) {
    if (part instanceof Uint8Array) yield part;
    else yield Buffer.from(typeof part === 'string' ? part : `${canonical(part)}\n`);
  }
}
