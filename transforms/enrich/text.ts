import { canonical } from '../../schemas/pipe/line/canonical.js';
import { printable } from '../../schemas/pipe/messages/printable.js';

/** The maximum length that the schema allows. */
const longest = 1024;

/** The characters with a meaning in zone files, except the dot, which separates labels. */
const special = '"();@$\\';

/**
 * Makes a name from the network safe, which may contain any bytes. Escapes it as in a zone file, converts it to lower case
 * and removes the last dot. Returns undefined if the result is empty or too long.
 */
export function dnsName(text: string, escaped = false): string | undefined {
  let name = '';
  for (const byte of Buffer.from(text, escaped ? 'utf8' : 'latin1')) {
    const character = String.fromCharCode(byte);
    if (byte <= 32 || byte >= 127) name += `\\${String(byte).padStart(3, '0')}`;
    else name += !escaped && special.includes(character) ? `\\${character}` : character;
  }
  name = name.toLowerCase();
  if (name.endsWith('.') && !name.endsWith('\\.')) name = name.slice(0, -1);
  return name.length > 0 && name.length <= longest ? name : undefined;
}

/** Makes a name from a local file safe: escapes control characters and cuts it to the length that the schema allows. */
export function plainName(text: string): string {
  return printable(text).slice(0, 255);
}

/** Returns `,"key":value`, to be inserted before the `}` of an event. */
export function member(key: string, value: unknown): string {
  return `,${canonical(key)}:${canonical(value)}`;
}

/** How many names of an address an event lists at most. */
export const maxNames = 8;

/** Returns the field `names` if there are several, and `names_cut` if not all are listed. */
export function namesText(names: readonly string[], cut = names.length > maxNames): string {
  const listed = names.length > 1 ? member('names', names.slice(0, maxNames)) : '';
  return cut ? `${listed},"names_cut":true` : listed;
}
