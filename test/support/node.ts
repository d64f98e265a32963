import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fresh } from '../live/folder.js';

/**
 * Downloads a version of Node, such as `24` or `latest`, through npm, which caches it. Returns the folder of its executable, which
 * is removed at exit. Throws an Error with npm's message.
 */
export function unpackNode(version: string): string {
  const folder = fresh('node');
  mkdirSync(folder);
  const script = 'npm pack --loglevel=error "$0" && tar -xzf ./*.tgz package/bin/node && rm ./*.tgz';
  try {
    execFileSync('bash', ['-c', script, `node-linux-${process.arch}@${version}`], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    throw new Error(`cannot download Node ${version}: ${(error as { stderr: Buffer }).stderr.toString().trim()}`);
  }
  return `${folder}/package/bin`;
}
