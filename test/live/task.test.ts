import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { client } from './client.js';
import { Collector, outcomes } from './collect.js';
import { fresh } from './folder.js';
import { live, same, watch } from './live.js';

const refused = { saddr: '127.0.0.1', sport: 40000 };

live('a thread with its own name', async (net) => {
  net.onlyPort(40000);
  const seen = await watch(net);
  const { attempts } = await net.client(['thread', Buffer.from('resolver #1').toString('hex'), '127.0.0.1', 9]);
  assert.notEqual(attempts[0]?.tid, attempts[0]?.pid);
  assert.equal(attempts[0]?.comm, 'resolver #1');
  same(await seen.events(), attempts, [refused]);
});

/** Names as bytes; the event has what TextDecoder makes of them. */
const names: Record<string, string | number[]> = {
  'quotes and backslashes': '"\\"\'{}\\u0000',
  'C0 controls': [1, 2, 7, 8, 9, 10, 11, 12, 13, 27, 31],
  'a terminal sequence': '\x1b[31mred\x7f',
  'C1 controls': 'a\x80\x85\x9b\xa0',
  'characters of 2, 3, 4 bytes': 'ä€😀',
  'bytes that are not UTF-8': [0xff, 0xfe, 0x80, 0xc3, 0x28, 0xc0, 0xaf],
  'a character cut off at the end': 'aaaaaaaaaaaa😀',
  'surrogates, overlong, too large': [0xed, 0xa0, 0x80, 0xe0, 0x80, 0x80, 0xf4, 0x90, 0x80, 0x80, 0xf0, 0x80, 0x80],
  'U+2028 and a BOM': '\ufeffx\u2028y',
  'nothing at all': '',
  '15 bytes': 'abcdefghijklmno',
};

live('names with arbitrary bytes', async (net) => {
  net.onlyPort(40000);
  const seen = await watch(net);
  const said = [];
  const wanted = [];
  for (const name of Object.values(names)) {
    const bytes = Buffer.from(name as string);
    said.push(...(await net.client(['name', bytes.toString('hex'), '127.0.0.1', 9])).attempts);
    wanted.push({ ...refused, comm: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, 15)) });
  }
  same(await seen.events(), said, wanted);
});

live('another user and group are reported', async (net) => {
  net.onlyPort(40000);
  const seen = await watch(net);
  const { attempts } = await net.client(['as-user', 65534, 12345, '127.0.0.1', 9]);
  const large = await net.client(['as-user', 2147483647, 2147483646, '127.0.0.1', 9]);
  const [first, second] = [
    { ...refused, uid: 65534, gid: 12345 },
    { ...refused, uid: 2147483647, gid: 2147483646 },
  ];
  same(await seen.events(), [...attempts, ...large.attempts], [first, second]);
});

live('a program whose path is too long for exe: all other fields are right', async (net) => {
  const folder = `${fresh('long')}/${'b'.repeat(200)}`;
  const program = `${folder}/${'c'.repeat(100)}`;
  mkdirSync(folder, { recursive: true });
  copyFileSync(client(), program);
  chmodSync(program, 0o755);
  const collector = await Collector.start(['--netns', net.inode]);
  await once(net.spawn([program, 'nonblocking', '127.0.0.1', '9'], 'ignore'), 'exit');
  const [event] = outcomes((await collector.stop()).lines);
  assert.deepEqual([event?.result, event?.comm, event?.exe], ['refused', 'c'.repeat(15), undefined]);
});
