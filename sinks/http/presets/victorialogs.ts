import { joined, type Preset } from '../preset.js';

/** VictoriaLogs' JSON stream API. */
export const victorialogs = (): Preset => ({
  path: '/insert/jsonline',
  query: () => ({ _stream_fields: 'type,host', _time_field: 'ts', _msg_field: 'comm,type' }),
  contentType: 'application/stream+json',
  body: ({ lines }) => joined(lines),
});
