import { nkeys } from '@nats-io/transport-node';

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64url');

/** A NATS JWT of `claims` about `subject`, signed by `issuer`. */
function token(issuer: nkeys.KeyPair, subject: nkeys.KeyPair, name: string, claims: object): string {
  const head = base64(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' }));
  const now = Math.floor(Date.now() / 1000);
  const body = { jti: name, iat: now, iss: issuer.getPublicKey(), sub: subject.getPublicKey(), name, nats: claims };
  const signed = `${head}.${base64(JSON.stringify(body))}`;
  return `${signed}.${base64(issuer.sign(Buffer.from(signed)))}`;
}

/** A server configuration with an operator and an account that has JetStream, and a user's .creds file. */
export function operated(): { config: string; creds: string } {
  const operator = nkeys.createOperator();
  const system = nkeys.createAccount();
  const account = nkeys.createAccount();
  const user = nkeys.createUser();
  const none = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const disk = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const accounts: [nkeys.KeyPair, string][] = [
    [system, token(operator, system, 'SYS', { limits: none, type: 'account', version: 2 })],
    [account, token(operator, account, 'A', { limits: { ...none, ...disk }, type: 'account', version: 2 })],
  ];
  const config = `operator: ${token(operator, operator, 'O', { type: 'operator', version: 2 })}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: {\n${accounts.map(([key, jwt]) => `  ${key.getPublicKey()}: ${jwt}\n`).join('')}}`;
  const jwt = token(account, user, 'U', {
    pub: {},
    sub: {},
    subs: -1,
    data: -1,
    payload: -1,
    type: 'user',
    version: 2,
  });
  const seed = new TextDecoder().decode(user.getSeed());
  const part = (what: string, text: string) => `-----BEGIN ${what}-----\n${text}\n------END ${what}------\n\n`;
  return { config, creds: part('NATS USER JWT', jwt) + part('USER NKEY SEED', seed) };
}
