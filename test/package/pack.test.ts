import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { before, test } from 'node:test';
import { fresh } from '../live/folder.js';
import { cannot } from '../live/live.js';
import { links, pages } from '../support/documents.js';
import { root } from '../support/shell.js';
import { type Packed, pack } from './pack.js';

const reason = process.getuid?.() === 0 ? undefined : 'needs root';
const about = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const list = (folder: string, ending: RegExp) => readdirSync(join(root, folder)).filter((file) => ending.test(file));
const tree = (folder: string) =>
  existsSync(join(root, folder)) ? list(folder, /./).map((name) => `${folder}/${name}`) : [];
const kernels = ['sinks', 'transforms'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.kernel.h'))
    .map((file) => `${folder}/${file}`),
);
const platforms = ['linux-arm64', 'linux-x64'];
/** The native code, with the libraries that each file needs. */
const addons = [
  { name: 'collector.node', libraries: ['libc.so.6', 'libgcc_s.so.1', 'libresolv.so.2', 'libstdc++.so.6'] },
  { name: 'pipe.node', libraries: ['libc.so.6'] },
];

let packed: Packed;
let content: string;
before(() => {
  if (reason !== undefined) return;
  packed = pack();
  content = fresh('content');
  execFileSync('bash', ['-c', 'mkdir "$0" && tar -xzf "$1" -C "$0" --strip-components=1', content, packed.tarball]);
});

const packing = (name: string, run: () => void) =>
  test(name, (t) => (reason === undefined ? run() : cannot(t, reason)));

packing('the tarball has exactly the expected files', () => {
  const expected = [
    ...['CHANGELOG.md', 'LICENSE', 'Makefile', 'README.md', 'package.json', 'collector/binding.gyp'],
    ...pages.filter((page) => !/^test\/(?!bench\/README)|^schemas\/.*\/|^(README|CHANGELOG)/.test(page)),
    'sinks/web/screenshot.png',
    ...[
      'dist/THIRD-PARTY-NOTICES',
      'dist/index.js',
      'dist/bin/package.json',
      ...(Object.values(about.bin) as string[]),
    ],
    ...['library', 'synpipe', 'top', 'why'].map((name) => `dist/umbrella/${name}.cjs`),
    ...['import-module', 'lru-cache', 'nats-client', 're2js', 'scan', 'undici', 'validate', 'wasm', 'wasm-zstd'].map(
      (name) => `dist/seldom/${name}.cjs`,
    ),
    ...['dist/collector/replay/sample.ndjson', 'dist/sinks/file/archive-worker.cjs'],
    'dist/schemas/pipe/io/unzstd-worker.cjs',
    'sinks/metrics/dashboard.json',
    'sinks/metrics/rules.yml',
    'sinks/top/top.svg',
    ...['icon.svg', 'index.html', 'page.css', 'page.js'].map((name) => `dist/sinks/web/page/${name}`),
    ...list('schemas', /\.schema\.json$/).map((name) => `schemas/${name}`),
    ...['bpf', 'collector/deploy', 'dist/completions', 'dist/man'].flatMap(tree),
    ...list('dist/code', /\.js$/).map((name) => `dist/code/${name}`), // without V8's code caches, which are for one Node
    ...list('collector', /\.(cc|c|h)$/).map((name) => `collector/${name}`),
    'schemas/generated/scan.c',
    ...list('schemas/generated', /\.h$/).map((name) => `schemas/generated/${name}`),
    ...list('schemas/pipe/scan', /\.h$/).map((name) => `schemas/pipe/scan/${name}`),
    ...kernels,
    ...list('schemas/pipe/native', /\.(c|h|gyp)$/).map((name) => `schemas/pipe/native/${name}`),
    ...platforms.flatMap((platform) => [
      ...addons.map(({ name }) => `dist/native/${platform}/${name}`),
      ...list('bpf', /\.bpf\.c$/).map((name) => `dist/native/${platform}/bpf/${name.replace(/c$/, 'o')}`),
    ]),
  ];
  const paths = packed.files.map(({ path }) => path);
  const others = paths.filter((path) => !/^dist\/.*\.d\.ts$|^node_modules\/node-addon-api\//.test(path));
  assert.deepEqual(others.sort(), expected.sort());
  assert.ok(paths.includes('dist/index.d.ts') && paths.includes('node_modules/node-addon-api/napi.h'));
  for (const { path, mode } of packed.files)
    assert.equal(mode, path.startsWith('dist/bin/') && !path.endsWith('.json') ? 0o755 : mode, path);
});

packing('everything that its pages link to is in the package', () => {
  const paths = new Set(packed.files.map(({ path }) => path));
  for (const page of pages.filter((page) => paths.has(page) && !page.startsWith('.github/'))) // those are for a clone
    for (const target of links(page).filter((target) => !/^([a-z]+:|#)/.test(target))) {
      const path = normalize(join(dirname(page), target.replace(/#.*/, '')));
      assert.ok(paths.has(path), `${page}: ${path}`);
    }
});

packing('the package is small', () => {
  console.log(`${packed.size} bytes, ${packed.unpackedSize} unpacked`);
  assert.ok(packed.size < 4_600_000, `${packed.size} bytes`);
  assert.ok(packed.unpackedSize < 17_000_000, `${packed.unpackedSize} bytes unpacked`);
});

const later = (version: string, most: string) => {
  const [a = [], b = []] = [version, most].map((text) => text.split('.').map(Number));
  for (const [i, part] of a.entries()) if (part !== (b[i] ?? 0)) return part > (b[i] ?? 0);
  return false;
};

packing('the native code needs no newer C library than Node itself, and no other libraries', () => {
  // those of Debian 10, RHEL 8, Ubuntu 20.04: the minimum for Node 20
  const most: Record<string, string> = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '4.2' };
  for (const [platform, { name, libraries }] of platforms.flatMap((platform) =>
    addons.map((addon) => [platform, addon] as const),
  )) {
    const file = join(content, 'dist/native', platform, name);
    const text = execFileSync('readelf', ['--dynamic', '--version-info', '--wide', file], { encoding: 'utf8' });
    const needed = [...text.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name as string).sort();
    assert.deepEqual(
      needed.filter((name) => !name.startsWith('ld-linux')),
      libraries,
    );
    const versions = [...text.matchAll(/Name: ([A-Z]+)_([\d.]+)/g)];
    assert.ok(versions.length >= libraries.length, text);
    for (const [whole, of = '', version = ''] of versions) assert.ok(!later(version, most[of] as string), whole);
  }
});

packing('the notices name everything that is linked in or bundled, with its licence', () => {
  const text = readFileSync(join(content, 'dist/THIRD-PARTY-NOTICES'), 'utf8');
  const titles = [...text.matchAll(/^={100}\n(.*)\n={100}\n/gm)].map(
    ([, title]) => title?.split(/ (?:\d|\(Debian)/)[0],
  );
  // from the contents of the files, not from what the build recorded
  const bundles = readdirSync(join(content, 'dist'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /^(bin\/(?!.*\.json)|.*\.c?js$)/.test(path))
    .map((path) => readFileSync(join(content, 'dist', path), 'utf8'));
  const found = bundles.flatMap((code) =>
    [...code.matchAll(/(?:^\s*\/\/ (?:\.\.\/)*|")node_modules\/((?:@[\w-]+\/)?[\w.-]+)\//gm)].map(([, name]) => name),
  );
  const native = ['libbpf', 'libelf', 'zlib', 'node-addon-api'];
  assert.deepEqual(titles.sort(), [...native, ...new Set([...found, 'uplot'])].sort()); // the page has no comments
  for (const words of [
    'Redistributions in binary form must reproduce', // BSD: libbpf
    'GNU LESSER GENERAL PUBLIC LICENSE\n                       Version 3',
    'GNU GENERAL PUBLIC LICENSE\n                       Version 3',
    'apt-get source elfutils=',
    'Jean-loup Gailly',
    'Permission is hereby granted',
    'Apache License',
    'Blue Oak Model License',
  ])
    assert.ok(text.includes(words), words);
});

packing('its types compile on their own', () => {
  const project = fresh('project');
  const code = `import { type AnyEvent, type Apply, collector, type Connect, events, filter, type Outcome, type Pending, pipeline, type Stage, sinkFile } from 'synpipe';
const stage: Stage = filter({ dport: '443', notComm: 'curl' });
export const port = (event: Connect | Outcome | Pending): number => event.dport;
export async function run(): Promise<void> {
  await pipeline(collector({ count: 1 }), stage, sinkFile({ path: 'out.ndjson' }));
  for await (const event of events(collector())) {
    console.log((event satisfies AnyEvent).type);
    if (event.type === 'connect' || event.type === 'outcome' || event.type === 'pending') port(event).toFixed();
  }
}
export default ((event) => event.type === 'outcome' && { ...event, team: teams[event.dport] }) satisfies Apply;
const teams: Record<number, string> = { 443: 'web' };
// @ts-expect-error: no such option
filter({ port: 1 });
`;
  const script = `mkdir -p "$0/node_modules/@types" && cd "$0" && cp -r "$1" node_modules/synpipe &&
ln -s "$2/node_modules/@types/node" node_modules/@types/node && ln -s "$2/node_modules/undici-types" node_modules &&
cat >main.ts && echo '{"type":"module"}' >package.json &&
"$2/node_modules/.bin/tsc" --strict --noEmit --module nodenext --target es2022 --types node main.ts`;
  execFileSync('bash', ['-c', script, project, content, root], { input: code, stdio: ['pipe', 'inherit', 'inherit'] });
});
