// What one would write without synpipe: split2, JSON.parse, ajv (compiled ahead) and a Map. Counts by (comm, daddr, dport).
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { pipeline } from 'node:stream';
import split2 from 'split2';

const validators = createRequire(import.meta.url)('../../../dist/schemas/generated/validate.cjs');
const groups = new Map();
for await (const event of pipeline(createReadStream(process.argv[2]), split2(JSON.parse), () => {})) {
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
