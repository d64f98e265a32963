import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Options } from '../command/options.js';
import { needs, UsageError } from '../messages/errors.js';
import { readSecret } from './secret.js';

/** The options of every command that can use TLS. */
export const tlsOptions = {
  ca: { value: 'FILE', help: 'Trust the CA certificates in FILE (PEM) instead of the default ones.' },
  cert: { value: 'FILE', help: 'The client certificate (PEM). Needs --key.' },
  key: { value: 'FILE', help: 'The key of the client certificate.' },
} satisfies Options;

/** The paths given by --ca, --cert and --key, or the contents of these files. */
export interface TlsFiles {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

/** Throws UsageError unless a certificate and its key are given together. */
export function checkPair({ cert, key }: TlsFiles): void {
  if (cert !== undefined && key === undefined) throw needs('--cert', '--key');
  if (key !== undefined && cert === undefined) throw needs('--key', '--cert');
}

/**
 * Reads the files. Throws RuntimeError if one cannot be read, and UsageError if its contents are wrong. Node itself accepts
 * a CA file without a certificate, and then every connection fails.
 */
export async function readTls(paths: TlsFiles): Promise<TlsFiles> {
  const { ca, cert, key } = paths;
  const read: TlsFiles = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const path = paths[name];
    if (path !== undefined) read[name] = await readSecret(path);
  }
  const certificate = 'use a certificate in PEM format';
  if (ca !== undefined) check(() => certificates(read.ca as string), `--ca ${ca}: ${certificate}`);
  if (cert !== undefined) check(() => createSecureContext({ cert: read.cert }), `--cert ${cert}: ${certificate}`);
  if (key !== undefined)
    check(() => createSecureContext({ key: read.key }), `--key ${key}: use a key in PEM format, without passphrase`);
  const { ca: _, ...pair } = read;
  if (cert !== undefined && key !== undefined)
    check(() => createSecureContext(pair), `--key ${key}: it is not the key of --cert ${cert}`);
  return read;
}

function check(parse: () => unknown, what: string): void {
  try {
    parse();
  } catch (error) {
    const { reason } = error as { reason?: string }; // from OpenSSL
    throw new UsageError(`invalid ${what}${reason ? ` (${reason})` : ''}`);
  }
}

function certificates(text: string): X509Certificate[] {
  const found = text.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END[^\n]*/g) ?? [];
  if (found.length === 0) throw new Error('none');
  return found.map((one) => new X509Certificate(one));
}
