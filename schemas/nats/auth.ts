import type { Authenticator } from '@nats-io/transport-node';
import { readSecret } from '../pipe/io/secret.js';
import { RuntimeError } from '../pipe/messages/errors.js';

/**
 * Reads the credentials for the server and recognises their kind: a .creds file, an nkey seed, `user:password` or a token.
 * They come from a file or from SYNPIPE_NATS_AUTH, since any user can read another user's command lines. Returns undefined
 * if there are no credentials. Throws RuntimeError if they are empty or damaged.
 */
export async function readAuth(
  file: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Authenticator | undefined> {
  const from = file ?? 'SYNPIPE_NATS_AUTH';
  const text = (file === undefined ? environment.SYNPIPE_NATS_AUTH : await readSecret(file))?.trim();
  if (text === undefined) return undefined;
  if (text === '') throw new RuntimeError(`${from} contains no credentials; add them`);
  const { credsAuthenticator, nkeyAuthenticator, tokenAuthenticator, usernamePasswordAuthenticator } = await import(
    './nats-client.js'
  );
  const kind = kindOf(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: credentials are text without control characters
  if (kind !== 'creds' && /[\0-\x1f\x7f\ufffd]/.test(text)) throw damaged(from);
  if (kind === 'token') return tokenAuthenticator(text);
  if (kind === 'password') {
    const colon = text.indexOf(':');
    return usernamePasswordAuthenticator(text.slice(0, colon), text.slice(colon + 1));
  }
  const bytes = new TextEncoder().encode(`${text}\n`);
  const auth = kind === 'creds' ? credsAuthenticator(bytes) : nkeyAuthenticator(bytes.subarray(0, -1));
  try {
    auth('nonce'); // throws if the key is damaged
  } catch {
    throw damaged(from);
  }
  return auth;
}

const damaged = (from: string) => new RuntimeError(`the credentials in ${from} are damaged; get new ones`);

function kindOf(text: string): 'creds' | 'nkey' | 'password' | 'token' {
  if (text.includes('-----BEGIN')) return 'creds';
  if (/^SU[A-Z2-7]{56}$/.test(text)) return 'nkey';
  return text.includes(':') ? 'password' : 'token';
}
