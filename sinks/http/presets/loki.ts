import { eventsOf, nanoseconds, type Preset, timeOf } from '../preset.js';

/** The push API: a stream for each type of event and the labels that are given. */
export const loki = (labels: Record<string, string>): Preset => ({
  path: '/loki/api/v1/push',
  contentType: 'application/json',
  body: ({ lines, began }) => {
    const streams = new Map<string, [string, string][]>();
    eventsOf(lines).forEach((event, at) => {
      const { type } = event;
      const values = streams.get(String(type)) ?? [];
      streams.set(String(type), values);
      values.push([nanoseconds(timeOf(event), began), (lines[at] as Buffer).toString()]);
    });
    const all = [...streams].map(([type, values]) => ({ stream: { job: 'synpipe', type, ...labels }, values }));
    return Buffer.from(JSON.stringify({ streams: all }));
  },
});
