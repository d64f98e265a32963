/**
 * Build step, after tsc: finds the commands (each file directly in collector/, transforms/ and sinks/ that exports `command`)
 * and writes what is made from all of them: an executable for each in dist/bin, the umbrella command `synpipe`, the entry of the
 * library, man pages and completions. So a new stage is one new file.
 */
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Command } from '../pipe/command/command.js';
import { umbrellaCommands } from '../pipe/command/umbrella.js';
import { buildNoting, bundle, bundleThreads, packages } from './bundle.js';
import { writeManual } from './manual/write.js';

const dist = new URL('../../dist/', import.meta.url);
const write = (path: string, text: string) => writeFileSync(new URL(path, dist), text);

for (const file of ['schemas/generated/validate.cjs', 'schemas/formats.cjs', 'schemas/pipe/io/import-module.cjs']) {
  cpSync(new URL(`../../${file}`, import.meta.url), new URL(file, dist)); // tsc does not copy CommonJS
}

mkdirSync(new URL('collector/replay', dist), { recursive: true });
cpSync(
  new URL('../../collector/replay/sample.ndjson', import.meta.url),
  new URL('collector/replay/sample.ndjson', dist),
);

const commands: { path: string; command: Command; exports: string[] }[] = [];
for (const folder of ['collector', 'transforms', 'sinks']) {
  const files = readdirSync(new URL(folder, dist)).filter((file) => file.endsWith('.js'));
  for (const path of files.sort().map((file) => `${folder}/${file}`)) {
    const { command, ...others } = await import(new URL(path, dist).href);
    if (command) commands.push({ path, command, exports: Object.keys(others) });
  }
}

const bin = new URL('bin/', dist);
rmSync(bin, { recursive: true, force: true });
mkdirSync(bin);
write('bin/package.json', '{ "type": "commonjs" }\n');
write(
  'commands.js',
  `export const commands = {\n${commands
    .map(
      ({ path, command: { name, summary } }) =>
        `  ${JSON.stringify(name.replace('synpipe ', ''))}: { summary: ${JSON.stringify(summary)}, load: async () => (await import('./${path}')).command },\n`,
    )
    .join('')}};\n`,
);

writeManual(
  [
    ...commands.map(({ command }) => command as unknown as Command<never>),
    ...umbrellaCommands((await import(new URL('commands.js', dist).href)).commands),
  ],
  dist,
);

const library = commands
  .filter(({ exports }) => exports.length > 0)
  .map(({ path, exports }) => ({ path, exports }))
  .concat(
    { path: 'schemas/pipe/run/pipeline.js', exports: ['events', 'pipeline'] },
    { path: 'schemas/pipe/line/line-field.js', exports: ['LineField'] },
    { path: 'schemas/pipe/messages/errors.js', exports: ['RuntimeError', 'UsageError'] },
  );
const from = (folder: string) =>
  library.map(({ path, exports }) => `export { ${exports.join(', ')} } from '${folder}${path}';\n`).join('');

/** `synpipe top` is only a part of synpipe: `top` is another program. */
const isPart = (name: string) => name.startsWith('synpipe ');
const shortName = (name: string) => name.replace('synpipe ', '');
const placeOf = (name: string) => (isPart(name) ? `umbrella/${shortName(name)}.cjs` : `bin/${name}`);

/** Arguments for the run that warms up each command, if it needs some or would not end on empty input. */
const starts: Record<string, string[]> = {
  apply: ['--version'],
  collector: ['--version'],
  doctor: ['--version'],
  replay: ['/dev/null'],
  'sink-file': ['/dev/null'],
  'sink-http': ['http://127.0.0.1:1/'],
  'sink-metrics': ['-'],
  'sink-nats': ['127.0.0.1:1'],
  'sink-web': ['--version'],
  'synpipe top': ['--version'],
  'synpipe why': ['--version'],
  'source-nats': ['--idle', '1ms', '127.0.0.1:1', 'CONN'],
};
await bundle({
  ...Object.fromEntries(
    commands.map(({ path, command: { name } }) => [
      placeOf(name),
      {
        contents: `import { main } from '../schemas/pipe/command/main.js';\nimport { command } from '../${path}';\nmain(command);\n`,
        start: starts[name] ?? [],
      },
    ]),
  ),
  'umbrella/synpipe.cjs': {
    contents: `import { umbrella } from '../schemas/pipe/command/umbrella.js';\nimport { commands } from '../commands.js';\numbrella(commands);\n`,
    start: ['run', 'validate | filter --dport 443'],
  },
  'umbrella/library.cjs': { contents: from('../') },
});
const modules = readdirSync(dist, { recursive: true, encoding: 'utf8' });
await bundleThreads(modules.filter((path) => path.endsWith('-worker.js')));
// `synpipe filter` runs the executable `filter`; only umbrella/synpipe.cjs contains all commands.
const places = JSON.stringify(
  Object.fromEntries(commands.map(({ command: { name } }) => [shortName(name), `../${placeOf(name)}`])),
);
write(
  'bin/synpipe',
  `#!/usr/bin/env node
const { argv } = process;
const places = ${places};
require(Object.hasOwn(places, argv[2]) ? places[argv.splice(2, 1)[0]] : '../umbrella/synpipe.cjs');
`,
);
chmodSync(new URL('synpipe', bin), 0o755);

write(
  'index.js',
  `export { ${library.flatMap(({ exports }) => exports).join(', ')} } from './umbrella/library.cjs';\n`,
);
write(
  'index.d.ts',
  `/// <reference types="node" />\n${from('./')}export type * from './schemas/generated/events.js';\nexport type { AnyEvent, Line } from './schemas/pipe/line/line.js';\nexport type { Output, Stage } from './schemas/pipe/stage/stage.js';\nexport type { Apply } from './transforms/apply.js';\n`,
);

const page = (file: string) => new URL(`../../sinks/web/page/${file}`, import.meta.url);
await buildNoting({
  entryPoints: { page: page('main.ts').pathname },
  outdir: new URL('sinks/web/page', dist).pathname,
  minify: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'inline',
});
await buildNoting({
  entryPoints: [page('page.css').pathname],
  outdir: new URL('sinks/web/page', dist).pathname,
  minify: true,
});
for (const file of ['index.html', 'icon.svg']) cpSync(page(file), new URL(`sinks/web/page/${file}`, dist));

write('packages.json', `${JSON.stringify([...packages].sort())}\n`); // the package has to include their licences
