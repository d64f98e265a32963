import { chmodSync, cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { folder } from '../process.js';
import { env, type Result, root, shell } from '../shell.js';
import { events } from './events.js';

/** Commands that need this machine, its clock, another machine, or a person. */
const elsewhere =
  /sink-(web|http|nats)|sink-metrics .*(\d{4}|\.prom)|source-nats|https?:|\b(demo|npm|doctor|completion|systemctl|journalctl|dpkg|tar|date|kill|man|cron|synpipe top)\b|--follow|connects@\*\.zst|--(live|version|help|progress|metrics|status)\b|\$PWD|\$\(|&\s*$/m;

/** Returns a script that reads the recording instead of a live collector; undefined if it needs a live one. */
export function onRecording(script: string): string | undefined {
  const replayed = script
    .replace(/^(?:sudo )?(synpipe run )'collector[^|']*\| *([^']*)'/gm, "$1'$2' < events.ndjson")
    .replace(/^(?:sudo )?(?:synpipe )?collector(?! --? )[^|>]*\|/gm, (source) => {
      if (source.includes('closed')) return source; // the recording has no such events
      return source.includes('--dns') ? 'cat events.ndjson |' : 'grep -v \'^{"type":"dns"\' events.ndjson |';
    })
    .replace(/\benrich\b(?! --help)/g, 'enrich --offline --etc etc');
  const isPaced = /\breplay\b(?!.*--speed (max|100x))/.test(replayed);
  return elsewhere.test(replayed) || isPaced || /\bcollector\b/.test(replayed) ? undefined : replayed;
}

/** Runs a script with the recording in a temporary folder. The files it writes are appended to its stdout. */
export async function replayed(t: TestContext, script: string): Promise<Result> {
  const [dir, bin] = [folder(t), folder(t)];
  for (const name of ['events', 'connects', 'yesterday', 'host-1', 'host-2'])
    writeFileSync(join(dir, `${name}.ndjson`), events());
  cpSync(`${root}test/recipes/etc`, join(dir, 'etc'), { recursive: true });
  symlinkSync(`${root}test/support/duckdb.cjs`, join(bin, 'duckdb'));
  writeFileSync(join(bin, 'sudo'), '#!/bin/sh\nexec "$@"\n');
  chmodSync(join(bin, 'sudo'), 0o755);
  symlinkSync(`${root}node_modules`, join(dir, 'node_modules'));
  if (script.includes("@*.parquet'")) await shell('sink-file --format parquet connects.parquet', dir, events());
  const before = new Set(readdirSync(dir));
  const input = events();
  const result = await shell(script, dir, input, { ...env, PATH: `${bin}:${env.PATH}` });
  const made = readdirSync(dir).filter((name) => !before.has(name));
  const files = made
    .filter((name) => name.endsWith('.ndjson') || name.endsWith('.csv'))
    .sort()
    .map((name) => `${name}:\n${readFileSync(join(dir, name), 'utf8')}`);
  return { ...result, stdout: result.stdout + files.join('') };
}
