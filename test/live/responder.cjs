/*
 * responder.cjs ADDRESS RULES: a DNS server over UDP that answers by rules. RULES: a JSON object, name → rule, `*` for
 * other names. A rule: { A: '192.0.2.1', AAAA: '2001:db8::1', rcode: 2, truncated: true, silent: 1, delay: 100,
 * forward: '127.0.0.9' }. `silent`: how many first queries go unanswered. `delay`: in milliseconds. `forward`: asks that
 * server from a separate socket. A name without addresses, rcode and so on has no data. Prints a line when it listens.
 */
const dgram = require('node:dgram');
const { isIPv4 } = require('node:net');
const dns = require('dns-packet');

const [address, rules] = [process.argv[2], JSON.parse(process.argv[3])];
const asked = new Map();
const socket = dgram.createSocket(isIPv4(address) ? 'udp4' : 'udp6');

function forward(query, to, reply) {
  const upstream = dgram.createSocket('udp4');
  upstream.on('message', (answer) => {
    reply(answer);
    upstream.close();
  });
  upstream.send(query, 53, to);
}

socket.on('message', (query, from) => {
  const { id, questions } = dns.decode(query);
  const [{ name, type }] = questions;
  const rule = rules[name] ?? rules['*'] ?? { rcode: 3 };
  const reply = (bytes) => setTimeout(() => socket.send(bytes, from.port, from.address), rule.delay ?? 0);
  const count = (asked.get(`${name} ${type}`) ?? 0) + 1;
  asked.set(`${name} ${type}`, count);
  if (count <= (rule.silent ?? 0)) return;
  if (rule.forward) return void forward(query, rule.forward, reply);
  const answers = rule[type] ? [{ name, type, ttl: 300, data: rule[type] }] : [];
  const flags = dns.RECURSION_AVAILABLE | (rule.truncated ? dns.TRUNCATED_RESPONSE : 0) | (rule.rcode ?? 0);
  reply(dns.encode({ type: 'response', id, flags, questions, answers }));
});
socket.bind(53, address, () => console.log('listening'));
