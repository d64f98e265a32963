/*
 * Runs in a guest: attempts that hang before, during and after the life of collectors, in each tier (test/live/hang.ts).
 * `silent`: nobody answers; `dropped`: this host's own firewall drops all packets. Prints how many attempts each tier saw.
 */
import { tiers } from '../../dist/collector/addon.js';
import { hangAround, port } from '../live/hang.js';
import { families, link, wake } from '../live/link.js';
import { Place } from './place.js';

const dropped = process.argv[2] === 'dropped';
const [net, other] = [new Place(), new Place()];
try {
  link(net, other);
  await other.serve(port);
  if (dropped) {
    for (const family of families) wake(net, family);
    net.run('nft', 'add table inet t');
    net.run('nft', 'add chain inet t out { type filter hook output priority 0; }');
    for (const version of families)
      net.run('nft', `add rule inet t out meta nfproto ipv${version} tcp dport ${port} drop`);
  }
  const answer = () => {
    if (!dropped) return wake(net, 4);
    // replaces both rules at once, so that IPv6 stays dropped
    net.run('nft', `flush chain inet t out; add rule inet t out meta nfproto ipv6 tcp dport ${port} drop`);
  };
  const reports = tiers.map((tier, i) => ({
    report: i % 2 ? ('outcome' as const) : ('both' as const),
    args: ['--tier', tier],
  }));
  console.log(JSON.stringify(await hangAround(net, reports, answer)));
} finally {
  await Promise.all([net.remove(), other.remove()]);
}
