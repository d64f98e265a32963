import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from '../schemas/pipe/command.js';
import type { Options } from '../schemas/pipe/options.js';
import type { Entry } from '../schemas/pipe/umbrella.js';
import { pipelineWords } from '../schemas/pipe/words.js';
import { anchors, type Block, blocks, links, pages, read, shown } from './support/documents.js';
import { folder } from './support/process.js';
import { env, root } from './support/shell.js';

const built = (path: string) => import(`${root}dist/${path}`);
const { commands } = (await built('commands.js')) as { commands: Record<string, Entry> };
const { prepare } = (await built('schemas/pipe/main.js')) as typeof import('../schemas/pipe/main.js');
const { UsageError } = (await built('schemas/pipe/errors.js')) as typeof import('../schemas/pipe/errors.js');

test('every link leads somewhere, to a heading that is there', () => {
  let seen = 0;
  for (const page of pages) {
    for (const target of links(page)) {
      if (/^[a-z]+:/.test(target)) continue;
      seen++;
      const [path = '', anchor] = target.split('#');
      const place = path === '' ? page : normalize(join(dirname(page), path));
      assert.ok(existsSync(`${root}${place}`), `${page}: ${target}`);
      if (anchor !== undefined) assert.ok(anchors(place).has(anchor), `${page}: ${target} is no heading of ${place}`);
    }
  }
  assert.ok(seen > 20, `${seen} links`);
});

/** A shell line's commands with their words, redirections and comments left out; undefined where it is more than a pipeline. */
function pipeline(line: string): string[][] | undefined {
  const bare = line
    .split(/('[^']*'|"(?:[^"\\]|\\.)*")/)
    .map((part, at) => (at % 2 === 1 ? part : part.replace(/\s#\s.*$/, '').replace(/\s[<>]{1,2}\s*\S+/g, '')))
    .join('');
  try {
    return pipelineWords(bare).map((words) => words.slice(words[0] === 'sudo' ? 1 : 0));
  } catch {
    return undefined;
  }
}

/** Why a line of shell cannot be meant so; the number of our commands in it, where it can. */
async function checked(line: string): Promise<string | number> {
  let count = 0;
  for (const words of pipeline(line) ?? []) {
    const [name = '', ...argv] = words[0] === 'synpipe' ? words.slice(1) : words;
    if (name === 'run' && words[0] === 'synpipe') {
      const inside = await checked(argv[0] ?? '');
      if (typeof inside === 'string') return inside;
      count += inside;
    }
    if (!Object.hasOwn(commands, name) || argv.length === 0) continue;
    if (argv.some((word) => /…|^(--cgroup|--netns)/.test(word))) continue; // shortened, or of some machine
    count++;
    try {
      prepare((await (commands[name] as Entry).load()) as unknown as Command<Options>, argv);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      const placeholder = / wants [A-Z]|not "[A-Z,]+"|^unexpected argument/; // `--by FIELDS`, or an argument left out
      if (!placeholder.test(` ${error.message}`)) return `${line}: ${name}: ${error.message}`;
    }
  }
  return count;
}

test('what is not of this program is found', async () => {
  assert.match(String(await checked('collector | filter --dprot 443')), /unknown option --dprot/);
  assert.match(String(await checked("synpipe run 'filter --dport x'")), /dport/);
  assert.equal(await checked("sudo collector -P 443 | filter --where 'dport > 3' > x # all | of"), 2);
});

/** What the pages have at least, so that the test cannot come to look at nothing. */
const least: Record<string, number> = {
  ...{ 'README.md': 20, 'collector/README.md': 6, 'collector/COMING-FROM.md': 15 },
  ...{ 'transforms/README.md': 20, 'transforms/RECIPES.md': 10, 'sinks/README.md': 15 },
};

for (const page of pages) {
  test(`${page}: every option and value in its command lines exists`, async () => {
    const lines = [
      ...shown(page),
      ...blocks(page).flatMap(({ language, text }) => (language === 'sh' ? text.split('\n') : [])),
    ];
    let count = 0;
    for (const line of lines) {
      const result = await checked(line);
      if (typeof result === 'string') assert.fail(`${page}: ${result}`);
      count += result;
    }
    assert.ok(count >= (least[page] ?? 0), `${count} commands`);
  });
}

/** A folder with the recording in it, and a PATH with what stands in for a program that is its own engine. */
function place(t: TestContext): { dir: string; path: string } {
  const dir = folder(t);
  const bin = folder(t);
  copyFileSync(`${root}dist/collector/replay/sample.ndjson`, join(dir, 'events.ndjson'));
  symlinkSync(`${root}test/support/duckdb.cjs`, join(bin, 'duckdb'));
  writeFileSync(join(bin, 'sudo'), '#!/bin/sh\nexec "$@"\n');
  chmodSync(join(bin, 'sudo'), 0o755);
  return { dir, path: `${bin}:${env.PATH}` };
}

/** Runs a block in a network namespace of its own, which leads nowhere. */
async function runBlock(t: TestContext, { text, how }: Block): Promise<void> {
  const { dir, path } = place(t);
  mkdirSync(join(dir, 'home'));
  const script = `ip link set lo up\nset -euo pipefail\n${text}`;
  const child = spawn('unshare', ['--net', 'bash', '-c', script], {
    ...{ cwd: dir, detached: true, stdio: ['ignore', 'pipe', 'pipe'] as const },
    env: { ...env, PATH: path, HOME: join(dir, 'home') },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => {
      said += part;
    });
  }
  t.after(
    () => child.exitCode === null && child.signalCode === null && process.kill(-(child.pid as number), 'SIGKILL'),
  );
  const ended = new Promise<number>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : -1))),
  );
  if (how === 'until Ctrl-C') {
    while (said.split('\n').length < 5 && child.exitCode === null) await sleep(20);
    process.kill(-(child.pid as number), 'SIGINT');
  }
  const code = await ended;
  assert.ok(code === 0 || (how === 'until Ctrl-C' && code === 130), `exit code ${code}\n${text}\n${said}`);
  assert.notEqual(said, '', 'it prints something, to be worth showing');
}

const shell = pages.flatMap(blocks).filter(({ language }) => language === 'sh');

test('blocks of shell run as they stand', { concurrency: 2 }, async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root, for namespaces');
  const running = shell.filter(({ how }) => how !== 'not run');
  assert.ok(running.length >= 15, `${running.length} blocks`);
  await Promise.all(running.map((block) => t.test(`${block.page}:${block.line}`, (t) => runBlock(t, block))));
});

test('those that are not run say why, and are few', (t) => {
  const left = shell.filter(({ how }) => how === 'not run').map(({ page, text }) => `${page} ${text.split('\n')[0]}`);
  t.diagnostic(`${left.length} of ${shell.length} blocks are not run`);
  assert.deepEqual(left.sort(), [
    '.github/CONTRIBUTING.md # not run: in a checkout',
    '.github/CONTRIBUTING.md # not run: installs packages',
    '.github/CONTRIBUTING.md # not run: takes a minute, and writes into the checkout',
    'transforms/RECIPES.md # not run: needs ClickHouse',
    "transforms/RECIPES.md # not run: needs systemd's journal",
  ]);
});

interface DaemonSet {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: {
    selector: { matchLabels: Record<string, string> };
    template: {
      metadata: { labels: Record<string, string> };
      spec: {
        volumes: { name: string }[];
        containers: {
          image: string;
          command: string[];
          securityContext: { capabilities: { add: string[] } };
          volumeMounts: { name: string; mountPath: string }[];
        }[];
      };
    };
  };
}

test('the Kubernetes manifest holds together, and its command line is right', async () => {
  const yaml = createRequire(import.meta.url)('js-yaml') as { load(text: string): DaemonSet };
  const [block] = blocks('transforms/RECIPES.md').filter(({ language }) => language === 'yaml') as [Block];
  const { apiVersion, kind, metadata, spec } = yaml.load(block.text);
  assert.deepEqual([apiVersion, kind, metadata.name], ['apps/v1', 'DaemonSet', 'synpipe']);
  const { metadata: of, spec: pod } = spec.template;
  for (const [key, value] of Object.entries(spec.selector.matchLabels)) assert.equal(of.labels[key], value);
  const volumes = new Set(pod.volumes.map(({ name }) => name));
  for (const container of pod.containers) {
    assert.match(container.image, /^[\w.]+(\/[\w-]+)+:[\w.]+$/);
    for (const { name, mountPath } of container.volumeMounts)
      assert.ok(volumes.has(name) && mountPath.startsWith('/'), name);
    for (const capability of container.securityContext.capabilities.add)
      assert.match(capability, /^(BPF|PERFMON|SYS_ADMIN|DAC_READ_SEARCH)$/);
    const [program, run, text = ''] = container.command;
    assert.deepEqual([program, run], ['synpipe', 'run']);
    assert.equal(await checked(text), 3);
  }
  assert.ok(read('transforms/RECIPES.md').includes('DaemonSet'));
});
