import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { UsageError } from './errors.js';
import { readSecret } from './secret.js';

/** The paths of --ca, --cert and --key, or what is in these files. */
export interface TlsFiles {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

/**
 * Reads the files. Throws RuntimeError if one cannot be read, and UsageError if it does not hold what it should: Node
 * accepts a CA file without a certificate, and every connection then fails.
 */
export async function readTls(paths: TlsFiles): Promise<TlsFiles> {
  const read: TlsFiles = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const path = paths[name];
    if (path !== undefined) read[name] = await readSecret(path);
  }
  if (read.ca !== undefined) check(`--ca ${paths.ca}`, () => checkCertificates(read.ca as string));
  if (read.cert !== undefined) check(`--cert ${paths.cert}`, () => createSecureContext({ cert: read.cert }));
  if (read.key !== undefined) check(`--key ${paths.key}`, () => createSecureContext({ key: read.key }));
  if (read.cert !== undefined && read.key !== undefined)
    check(`--key ${paths.key}`, () => createSecureContext({ cert: read.cert, key: read.key }));
  return read;
}

function check(option: string, parse: () => void): void {
  try {
    parse();
  } catch (error) {
    throw new UsageError(`invalid ${option}: ${reason(error as NodeJS.ErrnoException)}`);
  }
}

function checkCertificates(text: string): void {
  const found = text.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END[^\n]*/g);
  if (!found) throw new Error('it holds no certificate (PEM)');
  for (const one of found) new X509Certificate(one);
}

/** OpenSSL's words for what happens most often, in plainer ones. */
function reason({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return 'it does not belong to --cert';
  if (code === 'ERR_OSSL_PEM_NO_START_LINE' || /NO_START_LINE|no start line/i.test(message))
    return 'it holds no PEM of that kind';
  if (/BAD_PASSWORD_READ|bad password read|interrupted or cancelled/i.test(`${code} ${message}`))
    return 'it has a passphrase; remove it with openssl pkey';
  return message;
}
