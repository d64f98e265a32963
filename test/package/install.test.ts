/** The package on a machine that has Node, npm and nothing else: no compiler, no network. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, test } from 'node:test';
import { cannot } from '../live/live.js';
import { root as project } from '../support/shell.js';
import { pack } from './pack.js';
import { Root, type Said } from './root.js';

const reason = process.getuid?.() === 0 ? undefined : 'needs root';
const about = JSON.parse(readFileSync(`${project}package.json`, 'utf8'));

let root: Root;
before(() => {
  if (reason !== undefined) return;
  root = new Root();
  copyFileSync(pack().tarball, join(root.folder, 'root/synpipe.tgz'));
});

const installed = (name: string, run: () => void) =>
  test(name, (t) => (reason === undefined ? run() : cannot(t, reason)));

const works = (line: string): Said => {
  const said = root.run(line);
  assert.equal(said.status, 0, `${line}\n${said.stdout}${said.stderr}`);
  return said;
};
const put = (path: string, text: string) => writeFileSync(join(root.folder, 'root', path), text);
const text = (path: string) => readFileSync(join(root.folder, 'root', path));
const lines = (text: string) => text.trim().split('\n');
const connects = "bash -c '(exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null; :'";

installed('npm install -g works without a network', () => {
  assert.equal(root.run('type gcc g++ clang make python3').stdout, ''); // or the test would prove little
  const { stdout, stderr } = works('npm install -g synpipe.tgz');
  assert.match(stdout, /^added 1 package in /m);
  assert.equal(stderr, '');
  for (const name of Object.keys(about.bin))
    assert.match(works(`${name} --help`).stdout, new RegExp(`^Usage: ${name}`, 'm'));
});

installed('doctor finds a working tier, and nothing to build', () => {
  assert.match(works('synpipe doctor').stdout, /^ *works +(fentry|kprobe|tracepoint)$/m);
  assert.equal(works('doctor --build').stdout, 'the native part works here: nothing to build\n');
});

installed('the collector sees an attempt to loopback', () => {
  const event = JSON.parse(works(`collector -P 9 -- ${connects}`).stdout);
  const { type, comm, daddr, dport, result, error } = event;
  assert.deepEqual(
    { type, comm, daddr, dport, result, error },
    { type: 'outcome', comm: 'bash', daddr: '127.0.0.1', dport: 9, result: 'refused', error: 'ECONNREFUSED' },
  );
});

installed('a whole pipeline works, as processes and as one', () => {
  const pipeline = (sink: string) => `collector -P 9 -- ${connects} | filter --failed | enrich | ${sink}`;
  works(pipeline('sink-file out.ndjson'));
  const { dport, user } = JSON.parse(text('out.ndjson').toString());
  assert.deepEqual({ dport, user }, { dport: 9, user: 'root' });
  put('again.sh', `synpipe run "$1"`);
  const line = `collector -n 1 -P 9 | filter --failed | aggregate --by dport | sink-table`;
  const said = works(
    `bash again.sh '${line}' & pid=$!; while kill -0 $pid 2>/dev/null; do ${connects}; sleep 0.2; done; wait $pid`,
  );
  assert.match(said.stdout, /^TIME +DPORT +COUNT.*\n[\d -]+:\d\d:\d\d 9 +1 /);
});

installed('parts in separate files or threads work: archives, HTTP, the page, the sample', () => {
  works('cp out.ndjson more.ndjson && for i in 1 2 3 4 5; do cat more.ndjson; done >many.ndjson');
  for (const [options, start] of [
    ['--compress zstd', '28b52ffd'],
    ['--compress gzip', '1f8b'],
    ['--format parquet', Buffer.from('PAR1').toString('hex')],
  ] as const) {
    works(
      `mkdir new && sink-file ${options} --rotate-size 1K new/out.ndjson <many.ndjson && rm -f new/*.ndjson && cat new/* >archive && rm -r new`,
    );
    assert.equal(text('archive').toString('hex').slice(0, start.length), start, options);
  }
  put(
    'server.mjs',
    `import { createServer } from 'node:http';
const server = createServer((request, response) => {
  request.pipe(process.stdout, { end: false });
  request.on('end', () => { response.end(); server.close(); });
}).listen(8123, '127.0.0.1');
`,
  );
  const sent = works('node server.mjs & sleep 1; sink-http http://127.0.0.1:8123/ <more.ndjson && wait $!').stdout;
  assert.equal(sent, text('more.ndjson').toString());
  put(
    'page.mjs',
    `const { headers } = await fetch('http://127.0.0.1:8040/');
const cookie = headers.get('set-cookie').split(';')[0];
console.log(await (await fetch('http://127.0.0.1:8040/page.js', { headers: { cookie } })).text());`,
  );
  const page = works('sink-web <more.ndjson & until node page.mjs 2>/dev/null; do sleep 0.2; done; kill $!').stdout;
  assert.ok(page.length > 10_000);
  const sample = works(
    'replay --speed max $(npm root -g)/synpipe/dist/collector/replay/sample.ndjson | validate',
  ).stdout;
  assert.ok(lines(sample).length > 10);
});

installed("the user's own stages and the library work", () => {
  put('mine.mjs', 'export default (event) => ({ ...event, dport: 10 });');
  put('mine.ts', 'export default (event: { dport: number }): boolean => event.dport === 9;');
  assert.equal(JSON.parse(works('apply mine.mjs <out.ndjson').stdout).dport, 10);
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) works('apply mine.ts <out.ndjson');
  else {
    const { stderr, status } = root.run('apply mine.ts <out.ndjson');
    const expected = 'apply: cannot load mine.ts: TypeScript needs tsx with this Node; npm install -g tsx\n';
    assert.deepEqual({ stderr, status }, { stderr: expected, status: 1 });
  }
  const code = `import { createReadStream } from 'node:fs';
import { filter, pipeline, sinkFile } from 'synpipe';
await pipeline(createReadStream('../out.ndjson'), filter({ dport: '9' }), sinkFile({ path: 'library.ndjson' }));
`;
  works(`mkdir app && cd app && echo '{"type":"module"}' >package.json && npm install --offline ../synpipe.tgz && cat >main.js <<'end'
${code}end
node main.js`);
  assert.deepEqual(text('app/library.ndjson'), text('out.ndjson'));
});

installed('if the native part does not work, commands say what to do, and what is missing for that', () => {
  const addon = `usr/lib/node_modules/synpipe/dist/native/linux-${process.arch}/collector.node`;
  writeFileSync(join(root.folder, addon), 'no library');
  const collector = root.run('collector');
  assert.match(
    collector.stderr,
    /^collector: cannot load the native part: .*collector\.node: file too short; build it: synpipe doctor --build\n$/,
  );
  const doctor = root.run('synpipe doctor --build');
  assert.match(
    doctor.stderr,
    /^doctor: cannot build the native part \(.*file too short\): install what is missing: make, gcc, g\+\+, python3, node_api\.h \(of Node\)\n$/,
  );
  assert.deepEqual([collector.status, doctor.status], [1, 1]);
  assert.equal(JSON.parse(works('filter --dport 9 <out.ndjson').stdout).dport, 9); // other commands still work
});

installed('as a .deb: commands, man pages, completions, units; removal leaves nothing behind', () => {
  works('npm uninstall -g synpipe');
  execFileSync(`${project}.ci/deb`, [join(root.folder, 'root'), join(root.folder, 'root/synpipe.tgz')]);
  const deb = `synpipe_${about.version}_*.deb`;
  assert.match(works(`dpkg-deb -f ${deb} Depends`).stdout, /^nodejs \(>= 20\.18\.1\), /);
  works(`dpkg -i --force-depends ${deb}`); // Node is not installed as a package here
  assert.match(works('id synpipe').stdout, /^uid=[1-9]\d*\(synpipe\) /);
  for (const name of Object.keys(about.bin)) assert.match(works(`${name} --help`).stdout, /^Usage: /m);
  assert.equal(JSON.parse(works(`collector -P 9 -- ${connects}`).stdout).dport, 9);
  const files = new Set(lines(works('dpkg -L synpipe').stdout));
  for (const page of about.man) assert.ok(files.has(`/usr/share/man/man1/${basename(page)}.gz`), page);
  for (const name of Object.keys(about.bin)) {
    assert.ok(files.has(`/usr/share/bash-completion/completions/${name}`), name);
    assert.ok(files.has(`/usr/share/fish/vendor_completions.d/${name}.fish`), name);
    assert.match(works(`cat /usr/share/fish/vendor_completions.d/${name}.fish`).stdout, /^complete -c filter /m);
  }
  assert.match(works('cat /usr/share/zsh/vendor-completions/_synpipe').stdout, /^#compdef .*\bfilter\b/);
  for (const unit of ['synpipe@', 'synpipe-worker@']) assert.ok(files.has(`/lib/systemd/system/${unit}.service`));
  works(
    'grep -q "complete -F" /usr/share/bash-completion/completions/filter && synpipe completion bash | grep -q filter',
  );
  works('dpkg -P synpipe');
  assert.equal(root.run('ls -d /usr/bin/filter /usr/lib/synpipe').stdout, '');
});
