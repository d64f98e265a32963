const python = (body: string) => ['/usr/bin/python3', '-c', `import socket, sys\n${body}`];
const reach = (host: string, port: number, seconds: number) =>
  `try:\n  socket.create_connection(('${host}', ${port}), ${seconds}).close()\nexcept OSError:\n  pass`;

/** An application's pool: each query makes a connection to the cache, and three of five also make one to the database. */
const app = `
const { connect } = require('node:net');
const ask = (port, host) => connect({ port, host, family: 4 }, function () { this.end(); }).on('error', () => {});
let turn = 0;
setInterval(() => { ask(6379, 'cache.example.com'); if (turn++ % 5 < 3) ask(5432, 'db.example.com'); }, 2500);`;

/** A program of the machine: its user, how often it runs (in s; once, if left out), and when it starts. */
export interface Program {
  command: string[];
  uid: number;
  every?: number;
  from?: number;
}

/** What a small machine does: a web application, a worker, probes, a backup, mail that a policy forbids. */
export function programs(): Program[] {
  const get = (url: string, ...more: string[]) => ['/usr/bin/curl', '-so', '/dev/null', ...more, url];
  return [
    { command: ['/usr/bin/node', '-e', app], uid: 33 },
    { command: get('http://api.example.com:443/v1/orders'), uid: 33, every: 2 },
    { command: get('http://www.example.com/', '-4'), uid: 1000, every: 3.1 },
    { command: get('http://[2001:db8:1::20]/'), uid: 1000, every: 9 },
    { command: python(reach('queue.example.com', 5672, 2)), uid: 65534, every: 4 }, // nothing listens there
    { command: python(reach('mail.example.com', 25, 2)), uid: 65534, every: 11 },
    { command: get('http://old-billing.example.com/'), uid: 33, every: 7, from: 1 }, // no such name
    { command: ['/bin/bash', '-c', 'exec 3<>/dev/tcp/203.0.113.9/22'], uid: 0, every: 8, from: 3 }, // no route to it
    { command: get('http://metrics.example.com:9090/', '--max-time', '1'), uid: 65534, every: 12, from: 5 }, // gives up
    { command: python(reach('metrics.example.com', 9090, 20)), uid: 0, every: 15, from: 2 }, // waits until the kernel gives up
  ];
}
