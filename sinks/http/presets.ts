import { joined, type Preset } from './preset.js';
import { clickhouse } from './presets/clickhouse.js';
import { elasticsearch } from './presets/elasticsearch.js';
import { loki } from './presets/loki.js';
import { otlp } from './presets/otlp.js';
import { splunkHec } from './presets/splunk-hec.js';
import { victorialogs } from './presets/victorialogs.js';

export interface PresetOptions {
  /** The ClickHouse table or Elasticsearch index. */
  into: string;
  labels: Record<string, string>;
}

export const presets = {
  ndjson: (): Preset => ({ path: '/', contentType: 'application/x-ndjson', body: ({ lines }) => joined(lines) }),
  clickhouse: ({ into }: PresetOptions) => clickhouse(into),
  elasticsearch: ({ into }: PresetOptions) => elasticsearch(into),
  loki: ({ labels }: PresetOptions) => loki(labels),
  victorialogs,
  'splunk-hec': splunkHec,
  otlp,
};

export const receiverKinds = Object.keys(presets) as (keyof typeof presets)[];
