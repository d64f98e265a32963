import { canonical } from '../../schemas/pipe/line/canonical.js';
import { printable } from '../../schemas/pipe/messages/printable.js';

/** The most that the schema allows. */
const longest = 1024;

/** What has a meaning in zone files; the dot too, but that stands between labels. */
const special = '"();@$\\';

/**
 * A name from the network as it may go on: anybody can put any bytes there. It is escaped as in
 * a zone file; upper case is lowered and the last dot goes. Undefined where nothing is left, or too much.
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

/** A name from a file of this machine: what a terminal obeys is escaped, and it is cut to what the schema allows. */
export function plainName(text: string): string {
  return printable(text).slice(0, 255);
}

/** `,"key":value`, to be put before the `}` of an event. */
export function member(key: string, value: unknown): string {
  return `,${canonical(key)}:${canonical(value)}`;
}

/** An event lists so many names of an address at most. */
export const mostNames = 8;

/** Returns `names`, if there are several, and `names_cut` if these are not all. */
export function namesText(names: readonly string[], cut = names.length > mostNames): string {
  const listed = names.length > 1 ? member('names', names.slice(0, mostNames)) : '';
  return cut ? `${listed},"names_cut":true` : listed;
}
