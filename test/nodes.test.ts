/**
 * Each supported Node runs the built commands: the oldest, two LTS lines, and the newest release. They are downloaded from npm,
 * so this runs only with SYNPIPE_DOWNLOAD=1. The Node that runs all other tests is not repeated here.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { folder, fresh } from './live/folder.js';
import { cannot, live } from './live/live.js';
import { expected, inputOf, readCases, run } from './support/cases.js';
import { compare } from './support/compare.js';
import { numbered } from './support/lines.js';
import { unpackNode } from './support/node.js';
import { env, type Result, root, shell } from './support/shell.js';

const skip = process.env.SYNPIPE_DOWNLOAD === '1' ? false : 'SYNPIPE_DOWNLOAD is not 1';
const { engines } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const versions: string[] = [engines.node.replace('>=', ''), '22', '24', 'latest'];

/** All cases take two minutes. So each Node runs a third, and two Nodes that follow each other run different thirds. */
const cases = await readCases(process.env.ONLY);
const share = (nth: number) => cases.filter((_, i) => process.env.ONLY || i % 3 === nth % 3);

/** The installed files of the package that these tests use, without packages: its path and its environment. */
function install(node: string, ...modules: string[]): typeof env {
  const copy = fresh('copy');
  for (const part of ['bin', 'code', 'native', 'seldom', 'schemas/pipe/io', 'sinks/file']) {
    // V8's code caches are not part of the package
    cpSync(join(root, 'dist', part), join(copy, 'dist', part), {
      recursive: true,
      filter: (path) => !/\.js\./.test(path),
    });
  }
  for (const name of modules) {
    mkdirSync(join(copy, 'node_modules'), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name));
  }
  writeFileSync(join(copy, 'package.json'), readFileSync(join(root, 'package.json')));
  return { ...env, COPY: copy, PATH: `${copy}/dist/bin:${node}:${process.env.PATH}` } as typeof env;
}

for (const [nth, wanted] of versions.entries()) {
  let unpacked: string | Error | undefined;
  /** Returns the folder of this Node's executable. Without a network it skips the test, and returns undefined. */
  const node = (t: TestContext): string | undefined => {
    try {
      unpacked ??= unpackNode(wanted);
    } catch (error) {
      unpacked = error as Error;
    }
    if (typeof unpacked === 'string') return unpacked;
    cannot(t, unpacked.message);
    return undefined;
  };
  const on = (name: string, body: (node: string, t: TestContext) => Promise<void>) =>
    test(`Node ${wanted}: ${name}`, { skip, concurrency: 3 }, async (t) => {
      const path = node(t);
      if (path !== undefined) await body(path, t);
    });
  const good = async (line: string, environment: typeof env, input: string | Buffer = ''): Promise<Result> => {
    const result = await shell(line, folder(), input, environment);
    assert.deepEqual([result.code, result.stderr], [0, ''], line);
    return result;
  };

  on('golden cases', async (node, t) => {
    const environment = { ...env, PATH: `${root}dist/bin:${node}:${process.env.PATH}` };
    const { stdout } = await good('node --version', environment);
    console.log(`${stdout.trim()}: ${share(nth).length} of ${cases.length} cases`);
    await Promise.all(
      share(nth).map((one) =>
        t.test(one.name, async () => {
          compare(one, stdout, await run(one, await inputOf(one), environment), expected(one));
        }),
      ),
    );
  });

  on('apply loads TypeScript, with Node itself or with tsx', async (node) => {
    const file = fresh('mine.ts');
    writeFileSync(file, 'export default (event: { seq: number }): boolean => event.seq !== (2 as number);\n');
    const line = `apply ${file}`;
    const [input, output] = [numbered(1, 3), numbered(1, 1) + numbered(3, 3)];
    const plain = install(node);
    const { stdout: stripping } = await good('node -p process.features.typescript', plain);
    const { stdout, stderr, code } = await shell(line, folder(), input, plain);
    if (stripping.trim() === 'strip')
      assert.deepEqual({ stdout, stderr, code }, { stdout: output, stderr: '', code: 0 });
    else
      assert.deepEqual(
        { stdout, stderr, code },
        {
          stdout: '',
          stderr: `apply: cannot load ${file}: TypeScript needs tsx with this Node; npm install -g tsx\n`,
          code: 1,
        },
      );
    const tsx = install(node, 'tsx', 'esbuild', '@esbuild', 'get-tsconfig', 'resolve-pkg-maps');
    assert.equal((await good(line, tsx, input)).stdout, output);
  });

  // Each version has its own file: Node may crash if it takes the code of another version.
  on('a command is compiled ahead', async (node) => {
    const environment = install(node);
    const own = '.$(node -p "process.arch + \'-\' + process.version")';
    const code = '$COPY/dist/code/filter.js';
    const rejected = `node -e '
const { readFileSync } = require("node:fs");
const [code, cache] = process.argv.slice(1);
console.log(new vm.Script(readFileSync(code, "latin1"), { cachedData: readFileSync(cache) }).cachedDataRejected);' ${code} ${code}${own}`;
    await good(`node ${root}schemas/build/warm.cjs ${code} ${code}${own} $COPY/dist/bin/filter`, environment);
    assert.equal((await good(rejected, environment)).stdout, 'false\n');
    const input = numbered(1, 3);
    assert.equal((await good('filter --dport 443', environment, input)).stdout, input);
  });

  on('zstd is written and read, in one frame or several', async (node) => {
    const environment = install(node);
    const input = numbered(1, 5_000);
    const name = `zstd-${nth}`;
    await good(`mkdir ${name} && sink-file --rotate-size 200K --compress zstd ${name}/out.ndjson`, environment, input);
    assert.equal((await good(`zstd -dc ${name}/*.zst`, environment)).stdout, input);
    assert.equal((await good(`validate ${name}/*.zst`, environment)).stdout, input);
    await good(`(cat ${name}/*.zst; zstd -c) >${name}.zst`, environment, numbered(5_001, 5_003));
    assert.equal((await good(`validate ${name}.zst`, environment)).stdout, numbered(1, 5_003));
  });

  if (!skip)
    live(`Node ${wanted}: collector | filter | sink-file reports real attempts`, async (net, t) => {
      const path = node(t);
      if (path === undefined) return;
      const file = fresh('out.ndjson');
      const line = `collector -n 4 --netns ${net.name} | filter --dport 9 | sink-file ${file}`;
      const ended = good(line, install(path));
      let ports = [9, 10];
      let done = false;
      ended
        .finally(() => {
          done = true;
        })
        .catch(() => {});
      while (!done) {
        await net.client(['blocking', '127.0.0.1', ports[0] as number]);
        ports = ports.reverse();
      }
      await ended;
      const events = readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text));
      assert.equal(events.length, 2);
      for (const { type, dport, result, netns } of events)
        assert.deepEqual([type, dport, result, netns], ['outcome', 9, 'refused', net.inode]);
    });
}
