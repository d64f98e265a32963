import { invalidValue } from '../../schemas/pipe/messages/errors.js';

/** Where a new consumer starts in its stream, in the terms of JetStream's API. */
export interface From {
  deliver_policy: 'all' | 'new' | 'by_start_sequence' | 'by_start_time';
  opt_start_seq?: number;
  opt_start_time?: string;
}

/** Parses `all`, `new`, `seq:N` and `time:2026-11-23T08:00:00Z`. Throws UsageError. */
export function from(text: string): From {
  if (text === 'all' || text === 'new') return { deliver_policy: text };
  const [, kind, value = ''] = /^(seq|time):(.+)$/s.exec(text) ?? [];
  const seq = /^\d{1,15}$/.test(value) ? Number(value) : 0;
  if (kind === 'seq' && seq > 0) return { deliver_policy: 'by_start_sequence', opt_start_seq: seq };
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : Number.NaN;
  if (kind === 'time' && !Number.isNaN(time))
    return { deliver_policy: 'by_start_time', opt_start_time: new Date(time).toISOString() };
  throw invalidValue(text, 'use all, new, seq:N or time:2026-11-23T08:00:00Z');
}
