/**
 * Build step, after tsc: finds the commands (each file directly in collector/, transforms/ and sinks/ that exports
 * `command`) and writes what is made of them all: an executable each in dist/bin, the umbrella `synpipe`, and the
 * library's entry. So a new stage is one new file.
 */
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
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
const executable = (name: string, code: string) => {
  write(`bin/${name}`, `#!/usr/bin/env node\n${code}`);
  chmodSync(new URL(name, bin), 0o755);
};
for (const { path, command } of commands) {
  executable(
    command.name,
    `import { main } from '../schemas/pipe/main.js';\nimport { command } from '../${path}';\nawait main(command);\n`,
  );
}
executable(
  'synpipe',
  `import { umbrella } from '../schemas/pipe/umbrella.js';\nimport { commands } from '../commands.js';\nawait umbrella(commands);\n`,
);
write(
  'commands.js',
  `export const commands = {\n${commands
    .map(
      ({ path, command: { name, summary } }) =>
        `  ${JSON.stringify(name)}: { summary: ${JSON.stringify(summary)}, load: async () => (await import('./${path}')).command },\n`,
    )
    .join('')}};\n`,
);

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
