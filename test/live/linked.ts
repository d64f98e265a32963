import type { ChildProcess } from 'node:child_process';
import type { TestContext } from 'node:test';
import { link } from './link.js';
import { live } from './live.js';
import { Net } from './net.js';

/** A live test with two namespaces and a link between them. */
export function linked(
  name: string,
  body: (net: Net, other: Net, t: TestContext) => Promise<void>,
  more: { timeout?: number } = {},
): void {
  const inBoth = async (net: Net, t: TestContext) => {
    const other = new Net();
    try {
      link(net, other);
      await body(net, other, t);
    } finally {
      await other.remove();
    }
  };
  live(name, inBoth, more);
}

/** The sockets of a namespace that wait for an answer: their local ports, by the process that has them. */
export function waiting(net: Net): Map<number, number> {
  const lines = net.run('ss', '-tnpH', 'state', 'syn-sent').trim().split('\n').filter(Boolean);
  return new Map(
    lines.map((line, i) => [Number(line.match(/pid=(\d+)/)?.[1] ?? -i), Number(line.match(/:(\d+)\s+\S+:\d+\s/)?.[1])]),
  );
}

/** The client's lines as they come. */
export function linesOf(child: ChildProcess): { began?: number; ended?: number; then?: string }[] {
  const lines: ReturnType<typeof linesOf> = [];
  let rest = '';
  child.stdout?.on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() as string;
    lines.push(...parts.map((part) => JSON.parse(part)));
  });
  return lines;
}
