/** Part of the build: writes a man page for each command to dist/man, and completions for three shells to dist/completions. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { version } from '../../generated/version.js';
import type { Command } from '../../pipe/command/command.js';
import { bash } from './bash.js';
import { fish } from './fish.js';
import { man } from './man.js';
import { type Entry, entry } from './model.js';
import { zsh } from './zsh.js';

export function writeManual(commands: readonly Command<never>[], dist: URL): void {
  const entries: Entry[] = commands.map(entry);
  const { SOURCE_DATE_EPOCH } = process.env;
  const date = new Date(SOURCE_DATE_EPOCH ? Number(SOURCE_DATE_EPOCH) * 1000 : Date.now()).toISOString().slice(0, 10);
  const put = (folder: string, files: Record<string, string>) => {
    const place = new URL(`${folder}/`, dist);
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place);
    for (const [name, text] of Object.entries(files)) writeFileSync(new URL(name, place), text);
  };
  put(
    'man',
    Object.fromEntries(entries.map((one) => [`${one.name.replace(' ', '-')}.1`, man(one, version, date, entries)])),
  );
  const optionNames = Object.fromEntries(
    commands.flatMap(({ name, options, stage, source, run }) =>
      stage || source || (run && name === 'collector') ? [[name, Object.keys(options)]] : [],
    ),
  );
  put('completions', {
    'options.json': JSON.stringify(optionNames),
    'synpipe.bash': bash(entries),
    'synpipe.zsh': zsh(entries),
    'synpipe.fish': fish(entries),
  });
}
