import fc from 'fast-check';
import type { Dns } from '../../schemas/generated/events.js';
import { timeText } from '../../transforms/aggregate/time.js';
import { begin } from './summaries.js';

/** A valid dns event, with the fields that matter to the test. */
export function dns(more: { [K in keyof Dns]?: unknown } = {}): Dns {
  const first = { type: 'dns', v: 1, seq: 1, ts: '2026-11-23T08:15:30.123456Z', pid: 1234, comm: 'curl' };
  return { ...first, name: 'www.example.com', qtype: 'A', ...more } as Dns;
}

const endings = [
  { rcode: 'NOERROR', addrs: ['192.0.2.7'], ttl: 30 },
  { rcode: 'NXDOMAIN', error: 'NXDOMAIN' },
  { rcode: 'NXDOMAIN', error: 'NXDOMAIN', search: true },
  { error: 'TIMEOUT', attempts: 2 },
];

/** Look-ups of one minute, drawn at random. */
export const lookups = fc.array(
  fc
    .record({
      us: fc.integer({ min: 0, max: 60e6 }),
      comm: fc.constantFrom('curl', 'node'),
      name: fc.constantFrom('a.example', 'b.example', 'c.example'),
      ending: fc.constantFrom(...endings),
      latency_us: fc.oneof(fc.nat(100), fc.nat(5e6), fc.constant(undefined)),
      repeat: fc.constantFrom(undefined, undefined, 3),
    })
    .map(({ us, ending, ...more }) => {
      const event = dns({ ts: timeText(begin + us), ...ending, ...more });
      return JSON.parse(JSON.stringify(event)) as Dns;
    }),
  { maxLength: 40 },
);
