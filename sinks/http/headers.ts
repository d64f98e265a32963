import { RuntimeError } from '../../schemas/pipe/errors.js';
import { readSecret } from '../../schemas/pipe/secret.js';

export interface HeaderSources {
  /** `Name: value` each. */
  given: readonly string[];
  headerFile?: string | undefined;
  authFile?: string | undefined;
  /** What stands before a token. */
  scheme: string;
}

/**
 * The headers that every request has. What is secret comes from files or from SYNPIPE_HTTP_TOKEN, since any user can read
 * another's command lines.
 */
export async function readHeaders(
  { given, headerFile, authFile, scheme }: HeaderSources,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  const lines = headerFile === undefined ? [] : (await readSecret(headerFile)).split('\n');
  for (const line of [...given, ...lines]) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line.trim()) ?? [];
    if (name === undefined)
      throw new RuntimeError(`${headerFile ?? 'a header'} has a line that is no "Name: value"; correct it`);
    headers[name.toLowerCase()] = value as string;
  }
  const token = environment.SYNPIPE_HTTP_TOKEN;
  const secret = authFile === undefined ? token : (await readSecret(authFile)).trim();
  if (secret) headers.authorization = authorization(secret, scheme);
  return headers;
}

/** `user:password`, a token, or a whole value with its scheme, such as `ApiKey …`. */
export function authorization(secret: string, scheme: string): string {
  if (/^[\w-]+ \S/.test(secret)) return secret;
  if (secret.includes(':')) return `Basic ${Buffer.from(secret).toString('base64')}`;
  return `${scheme} ${secret}`;
}
