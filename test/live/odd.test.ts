import assert from 'node:assert/strict';
import { live, same, watch } from './live.js';

for (const address of ['127.0.0.1', '::1']) {
  live(`calls that make no attempt make no event, ${address}`, async (net) => {
    const seen = await watch(net);
    const { later } = await net.client(['no-attempts', address, 9]);
    assert.deepEqual(later, [
      'ok', // UDP
      'ENOENT', // UNIX
      'ok', // AF_UNSPEC
      'EAFNOSUPPORT', // AF_UNIX address on a TCP socket
      'EFAULT',
      'EINVAL', // 4 bytes
      'EINVAL', // -1 bytes
      'EBADF', // -1
      'EBADF', // too large
      'ENOTSOCK', // a device
      'ENOTSOCK', // a file of the kernel's
      'ENOTSOCK', // files without their own inode
      'ENOTSOCK',
      'EINVAL', // TCP address on a UNIX socket
      'EBADF', // O_PATH
    ]);
    same(await seen.events(), []);
  });
}

live('connect() on a listening socket makes no event', async (net) => {
  const seen = await watch(net);
  const { later } = await net.client(['while-listening', '127.0.0.1', 9]);
  assert.deepEqual(later, ['EISCONN']);
  same(await seen.events(), []);
});

live('an address of the other family fails with EAFNOSUPPORT or EINVAL', async (net) => {
  const seen = await watch(net);
  const v4 = await net.client(['other-family', '127.0.0.1', '::1', 80]);
  assert.equal(v4.attempts[0]?.error, 'EAFNOSUPPORT');
  const v6 = await net.client(['other-family', '::1', '127.0.0.1', 80]);
  assert.equal(v6.attempts[0]?.error, 'EINVAL');
  same(await seen.events(), [...v4.attempts, ...v6.attempts]);
});

live('an address of the wrong size fails with EINVAL', async (net) => {
  const seen = await watch(net);
  const short = await net.client(['sized', 8, '127.0.0.1', 80]);
  const shorter = await net.client(['sized', 15, '127.0.0.1', 80]);
  const long = await net.client(['sized', 129, '127.0.0.1', 80]);
  const short6 = await net.client(['sized', 16, '::1', 80]);
  for (const { attempts } of [short, shorter, long, short6]) assert.equal(attempts[0]?.error, 'EINVAL');
  // 16 bytes of an IPv6 address do not determine the destination; the kernel ignores bytes beyond the longest address
  same(await seen.events(), [...short.attempts, ...shorter.attempts]);
});

live('unusual but valid address sizes', async (net) => {
  await net.serve(8080);
  const seen = await watch(net);
  const long = await net.client(['sized', 128, '127.0.0.1', 8080]);
  const without = await net.client(['sized', 24, '::1', 8080]); // no scope ID
  const attempts = [...long.attempts, ...without.attempts];
  for (const { error } of attempts) assert.equal(error, undefined);
  same(await seen.events(), attempts);
});

live('port 0 is reported like any other port', async (net) => {
  net.onlyPort(40000);
  const seen = await watch(net);
  const { attempts } = await net.client(['blocking', '127.0.0.1', 0]);
  assert.equal(attempts[0]?.error, 'ECONNREFUSED');
  same(await seen.events(), attempts, [{ saddr: '127.0.0.1', sport: 40000 }]);
});
