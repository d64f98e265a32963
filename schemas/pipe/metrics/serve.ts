import { createServer, type ServerResponse } from 'node:http';
import { type Listen, startListening } from '../io/listen.js';
import { contentType } from './text.js';

/** More than enough for scrapers; it limits how many connections anyone can hold open. */
const mostConnections = 32;

export interface Served {
  url: string;
  close(): Promise<void>;
}

/** Serves GET /metrics, without keeping the process alive. Throws RuntimeError if it cannot listen there. */
export async function serve(at: Listen, text: () => string): Promise<Served> {
  const server = createServer({ requestTimeout: 10_000, keepAliveTimeout: 65_000 }, (request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path !== '/metrics') return end(response, 404, 'text/plain', 'see /metrics\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405, 'text/plain', 'GET or HEAD\n');
    end(response, 200, contentType, text());
  });
  server.maxConnections = mostConnections;
  server.unref();
  const root = await startListening(server, at);
  server.on('error', () => {}); // a failed connection, such as by EMFILE, must not end the pipeline
  server.on('connection', (socket) => socket.unref());
  return {
    url: `${root}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function end(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}
