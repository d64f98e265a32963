import { cause } from '../../schemas/pipe/messages/errors.js';
import { proxyError } from './client.js';
import type { HttpResponse } from './preset.js';

/** Describes a response that is not a success. */
export function describe({ status, headers, body }: HttpResponse): string {
  if (status === 401 || status === 403) return `${status}, check the credentials`;
  if (status >= 300 && status < 400) return `${status}, redirected to ${headers.location ?? 'an unknown address'}`;
  const text = body.replace(/\s+/g, ' ').trim().slice(0, 200);
  return text ? `${status} ${text}` : String(status);
}

/** Describes why a request has failed. */
export function reasonOf(error: unknown): string {
  const { name, message } = error as Error;
  if (/Timeout/.test(name)) return 'no response in time';
  const [, tunnel] = /^Proxy response \((\d+)\)/.exec(message) ?? [];
  if (tunnel) return proxyError(Number(tunnel));
  const why = cause(error);
  return why.startsWith('UND_ERR') ? message : why;
}
