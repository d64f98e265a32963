import { Body, BodyParts } from '../body.js';
import { EventReader } from '../event-reader.js';
import type { HttpResponse, Preset } from '../preset.js';
import { type RecordTexts, RecordWriter } from '../records.js';

const texts: RecordTexts = { before: ',["', between: '",', after: ']' };
const records = new RecordWriter(texts);
const parts = new BodyParts();

/** Loki's push API: one stream per event type, with the given labels. */
export const loki = (labels: Record<string, string>): Preset => ({
  path: '/loki/api/v1/push',
  contentType: 'application/json',
  body: ({ lines, began }) => {
    parts.clear();
    const streams = new Map<string, Body>();
    const event = new EventReader(began);
    const streamOf = (type: string) => {
      const stream = streams.get(type) ?? parts.next();
      streams.set(type, stream);
      return stream;
    };
    records.write(lines, streamOf, (line) => {
      event.move(line);
      const stream = streamOf(String(event.type));
      stream.text(`${texts.before}${event.nanoseconds}${texts.between}`);
      stream.quoted(line);
      stream.text(texts.after);
    });
    const body = new Body([...streams.values()].reduce((sum, { all }) => sum + all.length, 1 << 10));
    for (const [type, values] of streams) {
      const stream = JSON.stringify({ job: 'synpipe', type, ...labels });
      body.text(`${body.all.length === 0 ? '{"streams":[' : ','}{"stream":${stream},"values":[`);
      body.bytes(values.all.subarray(1)); // without the first comma
      body.text(']}');
    }
    body.text(']}');
    return body.all;
  },
  partlyRejected,
});

/** Errors that concern single entries. All others, such as invalid labels, concern whole streams. */
const ofEntry = /^(?:entry for stream '.*' has timestamp too|max entry size)/s;

/**
 * Returns how many entries Loki ignored. It responds with 400 if it ignores some entries, and stores the others. Ingesters
 * write `total ignored: 1 out of 5 for stream: {…}`. The distributor writes `3 errors like: ERROR; 1 errors like: ERROR`, or
 * just ERROR if there is only one.
 */
function partlyRejected({ status, body }: HttpResponse): number | undefined {
  if (status !== 400) return undefined;
  const [, total] = /total ignored: (\d+) out of \d+ /.exec(body) ?? [];
  if (total !== undefined) return Number(total);
  const errors = body.split(/(?:^|; )(\d+) errors like: /);
  if (errors.length === 1) return ofEntry.test(body) ? 1 : undefined;
  let count = 0;
  for (let at = 1; at < errors.length; at += 2) {
    if (!ofEntry.test(errors[at + 1] as string)) return undefined;
    count += Number(errors[at]);
  }
  return count;
}
