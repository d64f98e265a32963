/** Counts the failed attempts of each program: in a recording, `node index.js FILE`, or for two seconds on this machine. */
import { collector, events, filter, LineField, pipeline, replay, type Stage, sinkFile, UsageError } from 'synpipe';

const file = process.argv[2];
const source = () => (file === undefined ? collector({ duration: '2s' }) : replay({ file, speed: 'max' }));

// A custom stage reads fields from the line, without parsing all of it.
const pcomm = new LineField('pcomm');
const counts = new Map<string, number>();
const count: Stage = {
  name: 'count',
  line(line, out) {
    const name = line.text(pcomm) ?? '?';
    counts.set(name, (counts.get(name) ?? 0) + 1);
    out.pass(line);
  },
};

const ledgers = await pipeline(source(), filter({ failed: true }), count, sinkFile({ path: 'failed.ndjson' }));
console.log(JSON.stringify({ stages: ledgers.length, counts: Object.fromEntries([...counts].sort()) }));

let refused = 0;
for await (const event of events(replay({ file: 'failed.ndjson', speed: 'max' }), filter({ type: 'outcome' })))
  if (event.type === 'outcome' && event.result === 'refused') refused++;
console.log(JSON.stringify({ refused }));

try {
  filter({ type: 'ftp' });
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.log(`${error.name}: ${error.message}`);
}
