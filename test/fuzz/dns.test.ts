import { test } from 'node:test';
import { asked, edns, flags, ip4, message, name, pointer, question, record } from '../support/dns.js';
import { fuzz } from './libfuzzer.js';

const runs = Number(process.env.FUZZ_RUNS ?? 100_000);

const host = name('a.b');
const a = record({ type: 'A', data: ip4('192.0.2.1') });
const alias = (owner: Buffer, to: Buffer) => record({ owner, type: 'CNAME', data: to });
const answer = (...answers: Buffer[]) => message({ id: 1, flags: flags.answer, questions: [question(host)], answers });
const end = 12 + question(host).length;

/** Inputs to start from. */
const answers = [
  answer(a, a),
  answer(alias(asked, name('b.c')), record({ owner: name('b.c'), type: 'A', data: ip4('192.0.2.1') })),
  answer(alias(asked, asked)),
  answer(record({ owner: pointer(end), type: 'A', data: ip4('192.0.2.1') })),
  message({ id: 1, flags: flags.truncated, questions: [question(host)], answers: [a] }),
  message({ id: 1, flags: flags.answer, questions: [question(host)], answers: [a], additional: [edns(40)] }),
];
const query = message({ id: 1, questions: [question(host)] });
const packet = (kind: number, bits: number, seq: number, data: Buffer) =>
  Buffer.concat([Buffer.from([kind, bits, seq >> 8, seq & 255, data.length >> 8, data.length & 255]), data]);
const framed = (data: Buffer) => Buffer.concat([Buffer.from([data.length >> 8, data.length & 255]), data]);
const none = Buffer.alloc(0);
const seeds = [
  ...answers.map((bytes) => [Buffer.from([0]), bytes]),
  ...answers.map((bytes) => [Buffer.from([1]), packet(0, 0, 0, query), packet(1, 0, 0, bytes)]),
  [
    Buffer.from([1]),
    packet(6, 2, 10, none),
    packet(7, 2, 20, none),
    packet(6, 0, 11, framed(query)),
    ...answers.map((bytes) => packet(7, 0, 21, framed(bytes))),
  ],
  [Buffer.from([2, 3, 9, 5]), Buffer.from('hello, world; this is one')],
].map((parts) => Buffer.concat(parts));

test(`the DNS readers handle any bytes: ${runs} fuzzed inputs, under ASan and UBSan`, () => {
  const collector = [
    'dns_message.cc',
    'dns_flow.cc',
    'dns_lookup.cc',
    'dns_search.cc',
    'dns_settle.cc',
    'dns_stream.cc',
    'dns_line.cc',
    'format.cc',
    'drop_names.cc',
    'event_names.cc',
  ];
  fuzz({ entry: 'dns.cc', collector, libraries: ['-lresolv', '-lbpf'], runs, longest: 2048, seeds });
});
