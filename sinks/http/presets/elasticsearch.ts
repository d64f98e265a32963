import { type Answer, joined, type Preset, type Sent, type Verdict } from '../preset.js';
import { passing } from '../retry.js';

interface Item {
  status: number;
  error?: { type?: string; reason?: string };
}

/** The bulk API. Each event's id is the batch's and its place there, so that what is sent again is not stored again. */
export const elasticsearch = (index: string): Preset => ({
  path: '/_bulk',
  contentType: 'application/x-ndjson',
  body: ({ lines, id, places }) =>
    joined(lines, (at) => `${JSON.stringify({ create: { _index: index, _id: `${id}-${places[at]}` } })}\n`),
  verdict: (answer, sent) => items(answer, sent),
});

function items({ body }: Answer, { lines }: Sent): Verdict {
  const answer = JSON.parse(body) as { errors?: boolean; items?: Record<string, Item>[] };
  if (answer.errors === false) return { retry: [], rejected: [] };
  if (answer.items?.length !== lines.length) throw new Error('the answer does not tell of each event');
  const verdict: Verdict = { retry: [], rejected: [] };
  answer.items.forEach((one, at) => {
    const { status, error } = Object.values(one)[0] as Item;
    if (status < 300 || status === 409) return; // 409: it was stored the time before
    if (passing(status)) verdict.retry.push(at);
    else verdict.rejected.push({ at, reason: `${status} ${error?.type ?? ''}: ${error?.reason ?? ''}` });
  });
  return verdict;
}
