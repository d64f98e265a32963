import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * Returns a free port of 127.0.0.1 for TCP and UDP, for a server that listens later or comes back. The kernel does not
 * assign it by itself (ip_local_port_range), so no connection of another test takes it meanwhile. No other test on
 * this machine gets it while this process lives.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if ((await claimed(port)) && (await overTcp(port)) && (await overUdp(port))) return port;
  }
}

/** Reserves the port against other test files with an abstract socket, which disappears with the process. */
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
