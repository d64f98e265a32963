/**
 * Build step, after tsc: finds the commands (each file directly in collector/, transforms/ and sinks/ that exports
 * `command`) and writes what is made of them all: an executable each in dist/bin, the umbrella `synpipe`, and the
 * library's entry. So a new stage is one new file.
 */
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { bundle } from './bundle.js';
import type { Command } from './pipe/command.js';

const dist = new URL('../dist/', import.meta.url);
const write = (path: string, text: string) => writeFileSync(new URL(path, dist), text);

for (const file of ['schemas/generated/validate.cjs', 'schemas/formats.cjs']) {
  cpSync(new URL(`../${file}`, import.meta.url), new URL(file, dist)); // tsc leaves CommonJS where it is
}

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
        `  ${JSON.stringify(name)}: { summary: ${JSON.stringify(summary)}, load: async () => (await import('./${path}')).command },\n`,
    )
    .join('')}};\n`,
);

await bundle({
  ...Object.fromEntries(
    commands.map(({ path, command: { name } }) => [
      name,
      `import { main } from '../schemas/pipe/main.js';\nimport { command } from '../${path}';\nmain(command);\n`,
    ]),
  ),
  '../umbrella/synpipe.cjs': `import { umbrella } from '../schemas/pipe/umbrella.js';\nimport { commands } from '../commands.js';\numbrella(commands);\n`,
});
// `synpipe filter` is the executable `filter`; only synpipe's own part has all the commands in it.
const names = JSON.stringify(commands.map(({ command: { name } }) => name));
write(
  'bin/synpipe',
  `#!/usr/bin/env node
const { argv } = process;
require(${names}.includes(argv[2]) ? \`./\${argv.splice(2, 1)[0]}\` : '../umbrella/synpipe.cjs');
`,
);
chmodSync(new URL('synpipe', bin), 0o755);

const library = commands
  .filter(({ exports }) => exports.length > 0)
  .map(({ path, exports }) => `export { ${exports.join(', ')} } from './${path}';\n`)
  .concat(`export { events, pipeline } from './schemas/pipe/pipeline.js';\n`)
  .join('');
write('index.js', library);
write(
  'index.d.ts',
  `${library}export type * from './schemas/generated/events.js';\nexport type { AnyEvent, Line } from './schemas/pipe/line.js';\nexport type { Output, Stage } from './schemas/pipe/stage.js';\n`,
);

const page = (file: string) => new URL(`../sinks/web/page/${file}`, import.meta.url);
await build({
  entryPoints: { page: page('main.ts').pathname },
  outdir: new URL('sinks/web/page', dist).pathname,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'inline',
  logLevel: 'warning',
});
await build({
  entryPoints: [page('page.css').pathname],
  outdir: new URL('sinks/web/page', dist).pathname,
  bundle: true,
  minify: true,
  logLevel: 'warning',
});
for (const file of ['index.html', 'icon.svg']) cpSync(page(file), new URL(`sinks/web/page/${file}`, dist));
