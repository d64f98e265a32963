// `apply`, written by hand: readline, JSON.parse, a function, JSON.stringify. Reads stdin.
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const change = (event) => ({ ...event, team: 'web' });
for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
  if (!process.stdout.write(`${JSON.stringify(change(JSON.parse(line)))}\n`)) await once(process.stdout, 'drain');
}
