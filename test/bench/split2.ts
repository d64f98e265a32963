/** What one would write without synpipe: split2, JSON.parse, ajv, a Map; counts by (comm, daddr, dport). */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import split2 from 'split2';
import validators from '../../schemas/generated/validate.cjs';

const groups = new Map<string, number>();
const lines = pipeline(createReadStream(process.argv[2] as string), split2(JSON.parse), () => {});
for await (const event of lines as AsyncIterable<{ type: string; comm: string; daddr: string; dport: number }>) {
  if (!validators[event.type]?.(event)) throw new Error('invalid');
  const key = `${event.comm}\n${event.daddr}\n${event.dport}`;
  groups.set(key, (groups.get(key) ?? 0) + 1);
}
let text = '';
for (const [key, count] of groups) {
  const [comm, daddr, dport] = key.split('\n');
  text += `${JSON.stringify({ comm, daddr, dport: Number(dport), count })}\n`;
  if (text.length < 1 << 16) continue;
  process.stdout.write(text);
  text = '';
}
process.stdout.write(text);
