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
