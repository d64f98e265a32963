import { joined, type Preset } from './preset.js';
import { clickhouse } from './presets/clickhouse.js';
import { elasticsearch } from './presets/elasticsearch.js';
import { loki } from './presets/loki.js';
import { otlp } from './presets/otlp.js';
import { splunkHec } from './presets/splunk-hec.js';
import { victorialogs } from './presets/victorialogs.js';

export interface Choices {
  /** Table or index. */
  into: string;
  labels: Record<string, string>;
}

export const presets = {
  ndjson: (): Preset => ({ path: '/', contentType: 'application/x-ndjson', body: ({ lines }) => joined(lines) }),
  clickhouse: ({ into }: Choices) => clickhouse(into),
  elasticsearch: ({ into }: Choices) => elasticsearch(into),
  loki: ({ labels }: Choices) => loki(labels),
  victorialogs,
  'splunk-hec': splunkHec,
  otlp,
};

export const receiverKinds = Object.keys(presets) as (keyof typeof presets)[];
