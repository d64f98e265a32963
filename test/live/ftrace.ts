import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { folder } from './folder.js';
import type { Net } from './net.js';

const script = `
mount -t tracefs none "$0" && cd "$0" && mkdir "instances/$1" && cd "instances/$1" || exit
echo 16384 > buffer_size_kb
echo "$2" > events/sock/inet_sock_set_state/filter && echo 1 > events/sock/inet_sock_set_state/enable && echo ready
read -r _
cat trace
cd ../.. && rmdir "instances/$1"`;

/**
 * Returns the local ports of the sockets whose state changed while `body` ran, by a filter of ftrace: `all`, and those
 * `unseen` because a thread of process 1 was current. A sandbox's kernel may run no BPF program then, not even for a
 * timer that fires at that moment.
 */
export async function stateChanges(
  net: Net,
  filter: string,
  body: () => Promise<unknown>,
): Promise<{ all: Set<number>; unseen: Set<number> }> {
  const child = net.spawn(['unshare', '--mount', 'sh', '-c', script, folder(), net.name, filter], 'pipe');
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), closed]);
  assert.ok(text.startsWith('ready'), 'ftrace does not start');
  await body();
  const threads = new Set(readdirSync('/proc/1/task'));
  child.stdin?.end('\n');
  await closed;
  const changes = [...text.matchAll(/-(\d+) +\[\d+\].*sport=(\d+)/g)];
  const ports = (some: typeof changes) => new Set(some.map(([, , port]) => Number(port)));
  return { all: ports(changes), unseen: ports(changes.filter(([, thread]) => threads.has(thread as string))) };
}
