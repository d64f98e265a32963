/*
 * Sends given queries and answers as raw bytes: a JSON array of exchanges on stdin, done one after the other.
 * Each: { query, answers, to, from, connected, port, server, other, delay, tcp }
 *   query, answers  in hex; with tcp, each answer is written as one piece, unchanged
 *   to      where the query is sent; default 127.0.0.1
 *   server  where the server side listens; default `to`. port: default 53
 *   other   sends the answers from this address instead
 *   connected  whether the asking socket is connected; default true
 *   delay   milliseconds before the first answer
 * Prints a line when all are done.
 */
const dgram = require('node:dgram');
const net = require('node:net');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');

async function bound(address, port) {
  const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

async function udp({ query, answers, to = '127.0.0.1', server = to, other, connected = true, port = 53, delay = 0 }) {
  const answerer = await bound(server, port);
  const speaker = other ? await bound(other, 53) : answerer;
  const socket = dgram.createSocket(to.includes(':') ? 'udp6' : 'udp4');
  if (connected) {
    socket.connect(53, to);
    await once(socket, 'connect');
  }
  const heard = once(answerer, 'message');
  if (connected) socket.send(Buffer.from(query, 'hex'));
  else socket.send(Buffer.from(query, 'hex'), 53, to);
  const [, from] = await heard;
  await sleep(delay);
  for (const answer of answers) {
    const got = connected && other ? sleep(20) : once(socket, 'message');
    speaker.send(Buffer.from(answer, 'hex'), from.port, from.address);
    await got;
  }
  for (const one of new Set([answerer, speaker, socket])) one.close();
}

async function tcp({ query, answers }) {
  const server = net.createServer({ noDelay: true }, async (peer) => {
    peer.on('error', () => {});
    await once(peer, 'data');
    for (const answer of answers) {
      peer.write(Buffer.from(answer, 'hex'));
      await sleep(1);
    }
    peer.end();
  });
  server.listen(53, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect(53, '127.0.0.1');
  socket.setNoDelay();
  for (const piece of [query].flat()) {
    socket.write(Buffer.from(piece, 'hex'));
    await sleep(1);
  }
  socket.resume();
  await once(socket, 'close');
  server.close();
  await once(server, 'close');
}

(async () => {
  let text = '';
  for await (const part of process.stdin) text += part;
  for (const exchange of JSON.parse(text)) await (exchange.tcp ? tcp(exchange) : udp(exchange));
  console.log('done');
})();
