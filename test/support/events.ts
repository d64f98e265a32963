import type { Connect } from '../../schemas/generated/events.js';

/** A valid connect event, with the fields that matter to the test. */
export function connect(more: { [K in keyof Connect]?: unknown } = {}): Connect {
  return {
    type: 'connect',
    v: 1,
    seq: 1,
    ts: '2026-11-23T08:15:30.123456Z',
    id: '4242',
    pid: 1234,
    comm: 'curl',
    family: 4,
    daddr: '192.0.2.1',
    dport: 443,
    via: 'connect',
    ...more,
  } as Connect;
}

/** Events as NDJSON. */
export function ndjson(...events: unknown[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}
