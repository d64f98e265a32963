import { readSecret } from '../../schemas/pipe/io/secret.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';

export interface HeaderSources {
  /** Headers as `Name: value`. */
  given: readonly string[];
  headerFile?: string | undefined;
  authFile?: string | undefined;
  /** The authentication scheme for a token, such as Bearer. */
  scheme: string;
}

/** The characters that HTTP allows in a header's value. */
const valid = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Headers that control the message framing or belong to the proxy. A request that sets them would never succeed. */
const reserved = /^(connection|content-length|expect|keep-alive|proxy-authorization|transfer-encoding|upgrade)$/;

/**
 * Returns the headers for every request. Secrets come from files or from SYNPIPE_HTTP_TOKEN, because command lines are
 * visible to all users. Throws UsageError if a header or a token cannot be sent, RuntimeError if a file cannot be read.
 */
export async function readHeaders(
  { given, headerFile, authFile, scheme }: HeaderSources,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Record<string, string>> {
  const headers = Object.fromEntries(given.map((line) => header(line, `--header "${line}"`)));
  const lines = headerFile === undefined ? [] : (await readSecret(headerFile)).split('\n');
  for (const [at, line] of lines.entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [name, value] = header(line, `--header-file ${headerFile}, line ${at + 1}`);
    headers[name] = value;
  }
  const token = authFile === undefined ? environment.SYNPIPE_HTTP_TOKEN : await readSecret(authFile);
  const from = authFile === undefined ? 'SYNPIPE_HTTP_TOKEN' : `--auth-file ${authFile}`;
  if (token !== undefined) headers.authorization = credentials(token.trim(), scheme, from);
  return headers;
}

function header(line: string, from: string): [name: string, value: string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*)$/.exec(line.trim()) ?? [];
  if (name === undefined || value === undefined || !valid.test(value))
    throw new UsageError(`invalid ${from}: use NAME: VALUE`);
  const lower = name.toLowerCase();
  if (reserved.test(lower)) throw new UsageError(`invalid ${from}: this header cannot be set; leave it out`);
  return [lower, value];
}

/** Returns the Authorization value. Error messages never contain the secret. */
function credentials(secret: string, scheme: string, from: string): string {
  if (secret === '') throw new UsageError(`invalid ${from}: it is empty; write a token or user:password into it`);
  const value = authorization(secret, scheme);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Base64 would hide these
  if (/[\x00-\x1f\x7f]/.test(secret) || !valid.test(value))
    throw new UsageError(`invalid ${from}: write only the token or user:password into it, on one line`);
  return value;
}

/** Returns the Authorization value for `user:password`, a token, or a complete value such as `ApiKey …`. */
export function authorization(secret: string, scheme: string): string {
  if (/^[\w-]+ \S/.test(secret)) return secret;
  if (secret.includes(':')) return `Basic ${Buffer.from(secret).toString('base64')}`;
  return `${scheme} ${secret}`;
}
