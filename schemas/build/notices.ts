/**
 * Part of packaging: writes dist/THIRD-PARTY-NOTICES, the licences of everything that is linked into the native code or bundled
 * into the JavaScript. The linked libraries are Debian's, so the texts come from the Debian packages on this machine.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
const read = (path: string | URL) => readFileSync(path, 'utf8').trim();
const debian = (field: string, name: string) =>
  execFileSync('dpkg-query', ['-W', '-f', `\${${field}}`, name]).toString();
const version = (name: string) => `${debian('source:Package', name)} ${debian('source:Version', name)}`;
const copyright = (name: string) => read(`/usr/share/doc/${name}/copyright`);
const common = (name: string) => read(`/usr/share/common-licenses/${name}`);

interface Notice {
  title: string;
  texts: string[];
}

const elfutils = version('libelf-dev');
const [, elfutilsVersion] = elfutils.split(' ');

const native: Notice[] = [
  {
    title: `libbpf (Debian ${version('libbpf-dev')}), in dist/native/*/collector.node; its headers in dist/native/*/bpf`,
    texts: ['It has two licences; this package uses it under the BSD-2-Clause.', copyright('libbpf-dev')],
  },
  {
    title: `libelf (Debian ${elfutils}), in dist/native/*/collector.node`,
    texts: [
      `It has two licences; this package uses it under the GNU LGPL, version 3 or later. Its source is Debian's source package:
\`apt-get source elfutils=${elfutilsVersion}\` on Debian, or https://snapshot.debian.org/package/elfutils/${elfutilsVersion}/.
To use another libelf: this package contains the source of everything else in collector.node, and what builds it (folders
collector and bpf, Makefile). Delete collector.node and run \`npm rebuild\`: this links it again, with the libelf.a that
the compiler finds. collector/archives.c replaces the object elf_error.o of libelf. Nothing in the licence of synpipe
forbids you to change libelf, or to reverse-engineer what is linked with it to debug such changes.`,
      copyright('libelf-dev'),
      common('LGPL-3'),
      common('GPL-3'),
    ],
  },
  {
    title: `zlib (Debian ${version('zlib1g-dev')}), in dist/native/*/collector.node`,
    texts: [copyright('zlib1g-dev')],
  },
];

/** Returns the notice of a package in node_modules: its licence, and that of code known to be in it. */
function npm(name: string): Notice {
  const folder = new URL(`node_modules/${name}/`, root);
  const about = JSON.parse(read(new URL('package.json', folder)));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (files.length === 0) throw new Error(`${name} has no licence file`);
  const texts = files.map((file) => read(new URL(file, folder)));
  if (name === '@hpcc-js/wasm-zstd') texts.push(`It contains Zstandard:\n\n${copyright('libzstd1')}`);
  if (name === 'undici') texts.push('It contains llhttp, Copyright Fedor Indutny, 2018, under the same terms.');
  return { title: `${name} ${about.version} (${about.license})`, texts };
}

const bundled: string[] = JSON.parse(read(new URL('dist/packages.json', root)));
const rule = '='.repeat(100);
const notices = [...native, npm('node-addon-api'), ...bundled.map(npm)].map(
  ({ title, texts }) => `${rule}\n${title}\n${rule}\n\n${texts.join(`\n\n${'-'.repeat(100)}\n\n`)}\n`,
);

writeFileSync(
  new URL('dist/THIRD-PARTY-NOTICES', root),
  `The file LICENSE has the licence of synpipe itself. Its BPF programs (bpf/, dist/native/*/bpf) are under that licence or
GPL-2.0. The package also contains the software listed here. node-addon-api is in collector.node and, as source, in
node_modules; the other npm packages are in the files of dist/bin, dist/umbrella, dist/schemas and dist/sinks.

${notices.join('\n')}`,
);
