import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { DaemonSet, type IDaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { checked } from './support/checked.js';
import { anchors, type Block, blocks, lines, links, pages } from './support/documents.js';
import { root, shell } from './support/shell.js';

test('every link leads to an existing file or heading', () => {
  let seen = 0;
  for (const page of pages) {
    for (const target of links(page)) {
      if (/^[a-z]+:/.test(target)) continue;
      seen++;
      const [path = '', anchor] = target.split('#');
      const place = path === '' ? page : normalize(join(dirname(page), path));
      assert.ok(existsSync(`${root}${place}`), `${page}: ${target}`);
      if (anchor !== undefined)
        assert.ok(anchors(place).has(anchor), `${page}: ${target} is not a heading of ${place}`);
    }
  }
  assert.ok(seen > 20, `${seen} links`);
});

test('mistakes in command lines are found', async () => {
  assert.match((await checked('collector | filter --dprot 443')).wrong ?? '', /unknown option --dprot/);
  assert.match((await checked("synpipe run 'filter --dport x'")).wrong ?? '', /dport/);
  const two = await checked("sudo collector -P 443 | filter --where 'dport > 3' > x # all | of");
  assert.deepEqual(two, { count: 2, fragment: false });
});

/** The minimum number of command lines on each page, so that the test fails if it finds too few. */
const least: Record<string, number> = {
  ...{ 'README.md': 20, 'collector/README.md': 6, 'collector/COMING-FROM.md': 15 },
  ...{ 'transforms/README.md': 20, 'transforms/RECIPES.md': 10, 'sinks/README.md': 15 },
};

for (const page of pages) {
  test(`${page}: every option and value in its command lines exists`, async () => {
    const { indented, inline, session } = lines(page);
    const all = [
      ...indented,
      ...session,
      ...inline,
      ...blocks(page).flatMap(({ language, text }) => (language === 'sh' ? text.split('\n') : [])),
    ];
    let count = 0;
    for (const line of all) {
      const result = await checked(line);
      assert.equal(result.wrong, undefined, page);
      count += result.count;
    }
    assert.ok(count >= (least[page] ?? 0), `${count} commands`);
  });
}

/** The manifest as TypeScript, whose compiler rejects fields that Kubernetes does not know. Resolves to the compiler's output. */
async function compiled(manifest: object): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-manifest-'));
  const types = `${root}node_modules/kubernetes-models/apps/v1/DaemonSet`;
  writeFileSync(
    join(dir, 'manifest.ts'),
    `import type { IDaemonSet } from '${types}';\nexport const manifest: IDaemonSet = ${JSON.stringify(manifest)};\n`,
  );
  const tsc = `${root}node_modules/.bin/tsc --strict --noEmit --skipLibCheck --module esnext --moduleResolution bundler`;
  const { stdout } = await shell(`${tsc} --types '' manifest.ts`, dir);
  rmSync(dir, { recursive: true });
  return stdout;
}

test('the Kubernetes manifest is valid and consistent, and its command line is right', async () => {
  const yaml = createRequire(import.meta.url)('js-yaml') as { load(text: string): IDaemonSet };
  const [block] = blocks('transforms/RECIPES.md').filter(({ text }) => text.includes('kind: DaemonSet')) as [Block];
  const manifest = yaml.load(block.text);
  new DaemonSet(manifest).validate(); // by the schemas of Kubernetes' API
  assert.throws(() => new DaemonSet({ ...manifest, kind: 'Deployment' } as never).validate(), /kind/);
  assert.equal(await compiled(manifest), '');
  assert.match(await compiled({ ...manifest, sepc: {} }), /"sepc"' does not exist in type/);
  const { template, selector } = manifest.spec as Required<typeof manifest>['spec'];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}))
    assert.equal(template.metadata?.labels?.[key], value);
  const volumes = new Set(template.spec?.volumes?.map(({ name }) => name));
  const [container, ...more] = template.spec?.containers ?? [];
  assert.equal(more.length, 0);
  for (const { name } of container?.volumeMounts ?? []) assert.ok(volumes.has(name), name);
  for (const capability of container?.securityContext?.capabilities?.add ?? [])
    assert.match(capability, /^(BPF|PERFMON|SYS_ADMIN|DAC_READ_SEARCH)$/);
  const [program, run, text = ''] = container?.command ?? [];
  assert.deepEqual([program, run], ['synpipe', 'run']);
  assert.deepEqual(await checked(text), { count: 2, fragment: false });
});
