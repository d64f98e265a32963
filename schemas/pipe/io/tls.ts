import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { UsageError } from '../messages/errors.js';
import { readSecret } from './secret.js';

/** The paths given by --ca, --cert and --key, or the contents of these files. */
export interface TlsFiles {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
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
  const certificate = 'it needs a certificate in PEM format';
  if (ca !== undefined) check(() => certificates(read.ca as string), `--ca ${ca}: ${certificate}`);
  if (cert !== undefined) check(() => createSecureContext({ cert: read.cert }), `--cert ${cert}: ${certificate}`);
  if (key !== undefined)
    check(
      () => createSecureContext({ key: read.key }),
      `--key ${key}: it needs a key in PEM format, without passphrase`,
    );
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
