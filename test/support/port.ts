import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * A port of 127.0.0.1 that no socket has, over TCP nor UDP. For what listens only later, or comes back: it is none that
 * the kernel picks by itself (ip_local_port_range), or another test's connection could have it by then, and no test of
 * this machine is given it again while this process lives.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if ((await claimed(port)) && (await overTcp(port)) && (await overUdp(port))) return port;
  }
}

/** An abstract socket says to the other test files that this process has the port; it goes with the process. */
function claimed(port: number): Promise<boolean> {
  const claim = createServer();
  return new Promise((resolve) => {
    claim.on('error', () => resolve(false));
    claim.listen(`\0synpipe-test-port-${port}`, () => resolve(true)).unref();
  });
}

function overTcp(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function overUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.on('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}
