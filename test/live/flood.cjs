/*
 * flood.cjs COUNT SUFFIX: sends COUNT queries to 127.0.0.1, each for another name, from 8 sockets that have at most 8
 * outstanding. Prints how many answers arrived.
 */
const dgram = require('node:dgram');
const { once } = require('node:events');

const [count, suffix] = [Number(process.argv[2]), process.argv[3]];
const labels = (name) => Buffer.concat(name.split('.').map((part) => Buffer.from([part.length, ...Buffer.from(part)])));
const tail = Buffer.concat([labels(suffix), Buffer.from([0, 0, 1, 0, 1])]);
let next = 0;
let came = 0;

async function ask() {
  const socket = dgram.createSocket('udp4');
  socket.connect(53, '127.0.0.1');
  await once(socket, 'connect');
  const send = () => {
    const i = next++;
    const head = Buffer.from([(i >> 8) & 255, i & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    socket.send(Buffer.concat([head, labels(`n${i}`), tail]));
  };
  let open = 0;
  await new Promise((resolve) => {
    socket.on('message', () => {
      came++;
      open--;
      if (next < count) {
        open++;
        send();
      } else if (open === 0) resolve();
    });
    for (; open < 8; open++) send();
  });
  socket.close();
}

Promise.all(Array.from({ length: 8 }, ask)).then(() => console.log(came));
