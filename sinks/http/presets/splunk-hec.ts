import { Body } from '../body.js';
import { EventReader } from '../event-reader.js';
import type { Preset } from '../preset.js';

/** Splunk's HTTP Event Collector. */
export const splunkHec = (): Preset => ({
  path: '/services/collector/event',
  contentType: 'application/json',
  scheme: 'Splunk',
  body: ({ lines, began }) => {
    const body = new Body();
    const event = new EventReader(began);
    for (const line of lines) {
      event.move(line);
      const time = event.nanoseconds;
      const { host } = event;
      const own = typeof host === 'string' ? `"host":${JSON.stringify(host)},` : '';
      body.text(
        `{"time":${time.slice(0, -9)}.${time.slice(-9, -3)},${own}"source":"synpipe","sourcetype":"_json","event":`,
      );
      body.bytes(line);
      body.text('}\n');
    }
    return body.all;
  },
  results: ({ body }) => {
    const { code, text } = JSON.parse(body) as { code?: number; text?: string };
    if (code !== 0) throw new Error(`code ${code}: ${text}`);
  },
});
