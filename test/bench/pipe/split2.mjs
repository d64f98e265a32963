// What many people would write: split2, JSON.parse, ajv (compiled ahead), a filter, JSON.stringify.
// Arguments: FIRST and LAST port, the validators of schemas/generated, and a file; reads stdin without one.
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import split2 from 'split2';

const [first, last, validators, file] = process.argv.slice(2);
const { connect } = createRequire(import.meta.url)(validators);
let invalid = 0;
const filter = new Transform({
  objectMode: true,
  transform(event, _, done) {
    if (!connect(event)) invalid++;
    else if (event.dport >= first && event.dport <= last) return done(null, `${JSON.stringify(event)}\n`);
    done();
  },
});
await pipeline(file ? createReadStream(file) : process.stdin, split2(JSON.parse), filter, process.stdout);
if (invalid > 0) throw new Error(`${invalid} invalid lines`);
