import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dist } from '../../schemas/pipe/io/dist.js';
import { type Listen, startListening } from '../../schemas/pipe/io/listen.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { Feed, type LineFilter } from './feed.js';
import { type Access, cookieName, rejection } from './guard.js';
import type { Ring } from './ring.js';
import type { State } from './state.js';

const pageFolder = new URL('sinks/web/page/', dist);
const files: Record<string, [file: string, type: string]> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** How often new lines are sent. Lines that arrive in between are sent in one message. */
const tickMs = 100;
const pagesMost = 16;

export interface WebServerOptions {
  ring: Ring;
  /** Compiles a filter expression. Throws UsageError if it is not valid. */
  filter(expression: string): LineFilter;
  state(): State;
  access: Access;
}

/** Serves the page, its files, and the feed of lines. */
export class WebServer {
  readonly #feeds = new Set<Feed>();
  readonly #server: Server;
  #due: NodeJS.Timeout | undefined;

  constructor(private readonly options: WebServerOptions) {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** Starts to listen. Resolves to the root of its URLs. Throws RuntimeError. */
  listen(at: Listen): Promise<string> {
    return startListening(this.#server, at);
  }

  /** Schedules sending, after lines were added or the state has changed. */
  changed(): void {
    if (this.#feeds.size === 0) return;
    this.#due ??= setTimeout(() => {
      this.#due = undefined;
      this.#send();
    }, tickMs);
  }

  close(): void {
    clearTimeout(this.#due);
    for (const feed of this.#feeds) feed.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #send(): void {
    let more = false;
    for (const feed of this.#feeds) more = feed.send(this.options.state()) || more;
    if (more) setImmediate(() => this.#send());
    else if ([...this.#feeds].some((feed) => feed.behind)) this.changed();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://synpipe');
    const token = url.searchParams.get('token');
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const { access } = this.options;
    const rejected = rejection({ headers: request.headers, path: url.pathname, token }, access);
    if (rejected) return plain(response, ...rejected);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return plain(response, 405, 'only GET and HEAD are supported');
    const name = cookieName(request.headers.host);
    if (token !== null || (access.loopback && url.pathname === '/'))
      response.setHeader('Set-Cookie', `${name}=${access.token}; HttpOnly; SameSite=Strict; Path=/`);
    if (token !== null) {
      // Removes the token from the URL, because URLs end up in histories and logs.
      response.writeHead(303, { Location: '/' }).end();
      return;
    }
    if (url.pathname === '/events') return this.#feed(request, response, url);
    const file = Object.hasOwn(files, url.pathname) ? files[url.pathname] : undefined;
    if (!file) return plain(response, 404, 'page not found');
    response.setHeader('Content-Type', file[1]).end(await readFile(new URL(file[0], pageFolder)));
  }

  async #feed(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    let keep: LineFilter | undefined;
    try {
      const expression = url.searchParams.get('where')?.trim();
      if (expression) keep = this.options.filter(expression);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      return plain(response, 400, error.message);
    }
    if (url.searchParams.has('check')) return plain(response, 200, 'ok');
    if (this.#feeds.size >= pagesMost) return plain(response, 503, `${pagesMost} pages are already open; close one`);
    const [run, number] = String(request.headers['last-event-id']).split('.');
    const from = run === this.options.state().run ? Number(number) || 0 : 0;
    const feed = new Feed(this.options.ring, response, keep, Math.min(from, this.options.ring.next));
    this.#feeds.add(feed);
    response.once('close', () => this.#feeds.delete(feed));
    await feed.open(request);
    this.#send();
  }
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
