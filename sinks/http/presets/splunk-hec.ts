import { eventsOf, nanoseconds, type Preset, timeOf } from '../preset.js';

/** Splunk's HTTP Event Collector. */
export const splunkHec = (): Preset => ({
  path: '/services/collector/event',
  contentType: 'application/json',
  scheme: 'Splunk',
  body: ({ lines, began }) =>
    Buffer.concat(
      eventsOf(lines).map((event, at) => {
        const time = nanoseconds(timeOf(event), began);
        const { host } = event;
        const own = typeof host === 'string' ? `"host":${JSON.stringify(host)},` : '';
        const head = `{"time":${time.slice(0, -9)}.${time.slice(-9, -3)},${own}"source":"synpipe","sourcetype":"_json","event":`;
        return Buffer.concat([Buffer.from(head), lines[at] as Buffer, Buffer.from('}\n')]);
      }),
    ),
  results: ({ body }) => {
    const { code, text } = JSON.parse(body) as { code?: number; text?: string };
    if (code !== 0) throw new Error(`code ${code}: ${text}`);
  },
});
