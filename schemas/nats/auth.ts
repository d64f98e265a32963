import type { Authenticator } from '@nats-io/transport-node';
import { readSecret } from '../pipe/io/secret.js';
import { RuntimeError } from '../pipe/messages/errors.js';

/**
 * What proves to the server who we are, by what the text looks like: a .creds file, an nkey's seed, `user:password`, or
 * a token. What is secret comes from a file or from SYNPIPE_NATS_AUTH, since any user can read another's command lines.
 */
export async function readAuth(
  file: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Authenticator | undefined> {
  const from = file ?? 'SYNPIPE_NATS_AUTH';
  const text = (file === undefined ? environment.SYNPIPE_NATS_AUTH : await readSecret(file))?.trim();
  if (text === undefined) return undefined;
  if (text === '') throw new RuntimeError(`${from} holds no credentials; put some in`);
  const { credsAuthenticator, nkeyAuthenticator, tokenAuthenticator, usernamePasswordAuthenticator } = await import(
    '@nats-io/transport-node'
  );
  const kind = kindOf(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what has them is no text
  if (kind !== 'creds' && /[\0-\x1f\x7f\ufffd]/.test(text)) throw damaged(from);
  if (kind === 'token') return tokenAuthenticator(text);
  if (kind === 'password') {
    const colon = text.indexOf(':');
    return usernamePasswordAuthenticator(text.slice(0, colon), text.slice(colon + 1));
  }
  const bytes = new TextEncoder().encode(`${text}\n`);
  const auth = kind === 'creds' ? credsAuthenticator(bytes) : nkeyAuthenticator(bytes.subarray(0, -1));
  try {
    auth('nonce'); // a key that is damaged shows at once
  } catch {
    throw damaged(from);
  }
  return auth;
}

const damaged = (from: string) => new RuntimeError(`${from} holds credentials that are damaged; get them anew`);

function kindOf(text: string): 'creds' | 'nkey' | 'password' | 'token' {
  if (text.includes('-----BEGIN')) return 'creds';
  if (/^SU[A-Z2-7]{56}$/.test(text)) return 'nkey';
  return text.includes(':') ? 'password' : 'token';
}
