// `apply`, written by hand: split2, JSON.parse, a function, JSON.stringify. Reads stdin.
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import split2 from 'split2';

const change = (event) => ({ ...event, team: 'web' });
const apply = new Transform({
  writableObjectMode: true,
  transform: (event, _, done) => done(null, `${JSON.stringify(change(event))}\n`),
});
await pipeline(process.stdin, split2(JSON.parse), apply, process.stdout);
