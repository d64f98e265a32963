/**
 * Makes the picture of the page in sinks/README, from the recording that the package ships:
 *     node --import tsx test/sinks/web/screenshot.ts
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { browser } from '../../support/browser.js';
import { env } from '../../support/shell.js';

/** Writes the picture. Resolves to the number of attempts in it. */
export async function screenshot(path: string): Promise<number> {
  const demo = spawn('synpipe', ['demo', '--listen', '0', '--speed', 'max'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const chromium = await browser();
  try {
    let said = '';
    for await (const part of demo.stderr) {
      said += part;
      if (/http:\S+\/\s/.test(said)) break;
    }
    const context = await chromium.newContext({ viewport: { width: 1200, height: 760 }, timezoneId: 'UTC' });
    const page = await context.newPage();
    await page.goto(/http:\S+/.exec(said)?.[0] as string);
    await page.waitForFunction(() => document.getElementById('state')?.textContent === 'Input ended');
    await page.waitForFunction(() => document.querySelectorAll('#rows [role=row]').length > 10);
    await page.screenshot({ path });
    return Number(await page.locator('#attempts').textContent());
  } finally {
    await chromium.close();
    demo.kill();
    if (demo.exitCode === null) await once(demo, 'exit');
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await screenshot(fileURLToPath(new URL('../../../sinks/web/screenshot.png', import.meta.url)));
}
