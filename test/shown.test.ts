/** Every command that the pages show runs as it stands, on a small machine in namespaces. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { cannot, refusal } from './live/live.js';
import { checked, commands } from './support/checked.js';
import { blocks, lines, pages } from './support/documents.js';
import { root } from './support/shell.js';
import { World } from './support/shown/world.js';

/** What is not run here, and why. */
const elsewhere: Record<string, string> = {
  'sudo npm install -g synpipe-0.1.0.tgz': 'test/package/install.test.ts does, in a Debian of its own',
  'sudo npm install -g tsx': 'takes the registry; it is a package like any other',
  'sudo npm test': 'runs this test; test/package/clone.test.ts has the part before the tests',
  'sudo cp collector/deploy/*.service /etc/systemd/system/': 'test/vm/systemd.test.ts does, under systemd',
  'sudo systemctl enable --now synpipe@connects': 'test/vm/systemd.test.ts does, under systemd',
};
/** Indented lines that are no commands: events, and messages, which golden cases have. */
const told = /^\{|^\w+: --/;
const placeholder = /…|\b(FILE|COMMAND|SHELL|URL|STREAM|NAME|PATH|PID|RUNS)\b|'A |^synpipe run$/;
const bare = (line: string) => line.replace(/\s{2,}#\s.*$/, '');
/** What shows that these did something, which print nothing. */
const proofs: Record<string, string> = {
  'PATH=$PWD/dist/bin:$PATH': 'command -v filter | grep "^$PWD/dist/bin/"',
  'source <(synpipe completion bash)': 'complete -p filter',
  'sudo npm install -g .': 'ls "$npm_config_prefix/bin/filter"', // npm may have been told to be silent
};

interface Shown {
  page: string;
  script: string;
  proof: string;
  /** It uses receivers or a port, which only one can at a time. */
  alone: boolean;
  endless: boolean;
  checkout: boolean;
  /** What is in main.mts. It has shown something when it has printed it. */
  program?: string;
}

function one(page: string, script: string, how: Partial<Shown> = {}): Shown {
  const finite = /-- \w|--duration|-n \d|doctor|--version|--help|completion|npm install/.test(script);
  return {
    ...{ page, script, proof: proofs[script] ?? '' },
    alone: /sink-web|sink-http|sink-nats|source-nats|https?:|\bdemo\b/.test(script),
    endless: !finite && /collector|sink-web|source-nats|replay|\bdemo\b|npm start/.test(script),
    checkout: /\bnpm |\$PWD/.test(script),
    ...how,
  };
}

/** What a page shows, but for its pieces of command lines. */
async function shownOn(page: string): Promise<Shown[]> {
  const found: Shown[] = [];
  for (const { language, text, line, how } of blocks(page)) {
    const at = `${page}:${line}`;
    if (language === 'sh' && how !== 'not run') found.push(one(at, text, { endless: how === 'until Ctrl-C' }));
    const command = language === 'yaml' ? /command: \[synpipe, run, '(.*)'\]/.exec(text)?.[1] : undefined;
    if (command !== undefined) found.push(one(at, `synpipe run '${command}'`));
    if (language === 'crontab') found.push(one(at, text.replace(/^(\S+ ){5}/, '').replaceAll('\\%', '%')));
    if (language === 'ts') {
      const tsx = `${root}node_modules/tsx/dist/esm/index.mjs`;
      found.push(one(at, `node --import ${tsx} main.mts`, { endless: true, program: text }));
    }
  }
  const { indented, inline } = lines(page);
  found.push(...indented.filter((line) => !told.test(line)).map((line) => one(page, bare(line))));
  const names = new RegExp(`^(sudo|synpipe|npm start|duckdb|source|cat|${Object.keys(commands).join('|')}) \\S`);
  for (const script of inline)
    if (names.test(script) && !placeholder.test(script) && !(await checked(script)).fragment)
      found.push(one(page, script));
  return found;
}

const all = (await Promise.all(pages.filter((page) => !page.startsWith('test/vm/')).map(shownOn))).flat();
const once = [...new Map(all.map((shown) => [shown.script, shown])).values()];
const running = once.filter(({ script }) => !Object.hasOwn(elsewhere, script));

let world: World;
const reason = refusal();
before(async () => {
  if (reason === undefined) world = await World.start();
});
after(() => world?.end());

/** Runs them, some at a time. */
async function runAll(t: TestContext, shown: Shown[]): Promise<void> {
  await Promise.all(
    shown.map((one) =>
      t.test(`${one.page}: ${one.script}`, async (t) => void (await world.run(t, `${one.script}\n${one.proof}`, one))),
    ),
  );
}

test('those by themselves', { concurrency: 2 }, async (t) => {
  if (reason !== undefined) return cannot(t, reason);
  await runAll(
    t,
    running.filter(({ alone }) => !alone),
  );
});

test('those that take a port, or the receivers, one after the other', { concurrency: 1 }, async (t) => {
  if (reason !== undefined) return cannot(t, reason);
  await runAll(
    t,
    running.filter(({ alone }) => alone),
  );
});

test('what is not run is shown, and little', (t) => {
  t.diagnostic(`${running.length} of ${once.length} are run`);
  assert.ok(running.length > 60, `${running.length}`);
  for (const script of Object.keys(elsewhere))
    assert.ok(
      once.some((one) => one.script === script),
      script,
    );
  const left = pages.flatMap(blocks).filter(({ how }) => how === 'not run');
  assert.deepEqual(left.map(({ page, text }) => `${page} ${text.split('\n')[0]}`).sort(), [
    '.github/CONTRIBUTING.md # not run: in a checkout',
    '.github/CONTRIBUTING.md # not run: installs packages',
    '.github/CONTRIBUTING.md # not run: takes a minute, and writes into the checkout',
    'transforms/RECIPES.md # not run: needs ClickHouse',
  ]);
});
