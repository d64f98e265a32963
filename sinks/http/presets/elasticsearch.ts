import { type HttpResponse, joined, type LineResults, type Preset, type RequestLines } from '../preset.js';
import { isTemporary } from '../retry.js';

interface Item {
  status: number;
  error?: { type?: string; reason?: string };
}

/** Elasticsearch's bulk API. Each event's id is made of its batch's id and its position, so repeats are not stored again. */
export const elasticsearch = (index: string): Preset => ({
  path: '/_bulk',
  contentType: 'application/x-ndjson',
  body: ({ lines, id, positions }) => {
    const head = JSON.stringify({ create: { _index: index, _id: `${id}-` } }).slice(0, -'"}}'.length);
    return joined(lines, (at) => `${head}${positions[at]}"}}\n`);
  },
  results: (response, sent) => items(response, sent),
});

function items({ body }: HttpResponse, { lines }: RequestLines): LineResults | undefined {
  const response = JSON.parse(body) as { errors?: boolean; items?: Record<string, Item>[] };
  if (response.errors === false) return undefined;
  if (response.items?.length !== lines.length) throw new Error('the response does not cover each event');
  const results: LineResults = { retry: [], rejected: [] };
  response.items.forEach((one, at) => {
    const { status, error } = Object.values(one)[0] as Item;
    if (status < 300 || status === 409) return; // 409: it was stored by an earlier try
    if (isTemporary(status)) results.retry.push(at);
    else results.rejected.push({ at, reason: `${status} ${error?.type ?? ''}: ${error?.reason ?? ''}` });
  });
  return results;
}
