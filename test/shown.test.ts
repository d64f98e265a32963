/** Runs every command that the pages show, unchanged, on a small machine in namespaces. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { cannot, refusal } from './live/live.js';
import { blocks, pages } from './support/documents.js';
import { type Shown, shownOn } from './support/shown/commands.js';
import { World } from './support/shown/world.js';

/** Commands that are not run here, and why. */
const elsewhere: Record<string, string> = {
  'sudo npm install -g synpipe-0.1.0.tgz': 'test/package/install.test.ts runs it in a separate Debian',
  'sudo dpkg -i synpipe-standalone_0.1.0_amd64.deb': 'test/package/standalone.test.ts does, in a separate Debian',
  'sudo tar -xf synpipe-0.1.0-linux-x64.tar.xz -C /opt': 'test/package/standalone.test.ts does, for a separate Debian',
  'podman load -i synpipe-0.1.0-oci.tar': 'needs podman; test/package/standalone.test.ts runs the image with runc',
  'skopeo copy --all oci-archive:synpipe-0.1.0-oci.tar docker://registry.example.com/synpipe:0.1.0':
    'needs a registry; test/package/standalone.test.ts copies the image to a folder',
  "podman run --rm --privileged --pid=host synpipe:0.1.0 sh -c 'collector | filter --failed'":
    'needs podman; test/package/standalone.test.ts runs the image with runc',
  'sudo npm install -g tsx': 'needs the registry; it is a package like any other',
  "sink-table 'connects@*.zst' connects.ndjson": 'needs a recording in parts: test/schemas/pipe/io/files.test.ts',
  'sudo npm test': 'would run this test; test/package/clone.test.ts covers what precedes the tests',
  'sudo cp collector/deploy/*.service /etc/systemd/system/': 'test/vm/systemd.test.ts does, under systemd',
  'sudo systemctl enable --now synpipe@connects': 'test/vm/systemd.test.ts does, under systemd',
};
const all = (await Promise.all(pages.filter((page) => !page.startsWith('test/vm/')).map(shownOn))).flat();
const once = [...new Map(all.map((shown) => [shown.script, shown])).values()];
/** The live view needs a terminal: test/live/top.test.ts and test/sinks/top run it on one. */
const onTerminal = /\bsynpipe top\b/;
const running = once.filter(({ script }) => !Object.hasOwn(elsewhere, script) && !onTerminal.test(script));

let world: World;
const reason = refusal();
before(async () => {
  if (reason === undefined) world = await World.start();
});
after(() => world?.end());

/** Runs them, several at a time. */
async function runAll(t: TestContext, shown: Shown[]): Promise<void> {
  await Promise.all(
    shown.map((one) =>
      t.test(`${one.page}: ${one.script}`, async (t) => void (await world.run(t, `${one.script}\n${one.proof}`, one))),
    ),
  );
}

test('commands that need nothing exclusive', { concurrency: 2 }, async (t) => {
  if (reason !== undefined) return cannot(t, reason);
  await runAll(
    t,
    running.filter(({ alone }) => !alone),
  );
});

test('commands that need a port, or the receivers, one after the other', { concurrency: 1 }, async (t) => {
  if (reason !== undefined) return cannot(t, reason);
  await runAll(
    t,
    running.filter(({ alone }) => alone),
  );
});

test('commands that are not run are really shown, and few', (t) => {
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
    'transforms/RECIPES.md # not run: prints nothing until a connection breaks',
    'transforms/RECIPES.md # not run: prints nothing until the firewall drops something',
  ]);
});
