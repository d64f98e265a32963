/** The user that the collector becomes once it has attached. */
import { readFileSync, stat } from 'node:fs';
import { findAccount, findLocal } from '../schemas/pipe/command/accounts.js';
import { invalidValue, RuntimeError, remedy } from '../schemas/pipe/messages/errors.js';
import { logMessage } from '../schemas/pipe/messages/log.js';
import type { Addon } from './addon.js';

export interface User {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** Finds a user by name or number, including users known only to LDAP or a similar service; undefined if not found. */
export const findUser = (key: string): User | undefined => userOf(findAccount('passwd', key));

function userOf(entry: string[] | undefined): User | undefined {
  if (!entry) return undefined;
  const [name = '', , uid, gid, , home = '/'] = entry;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** Returns the user who called sudo, unless that is root. The name is known only if the user database has the number. */
export function sudoCaller(): { uid: number; gid: number; user?: User } | undefined {
  const { SUDO_UID: uid = '', SUDO_GID: gid = '' } = process.env;
  const valid = (id: string) => /^\d+$/.test(id) && Number(id) < 0xffffffff; // 0xffffffff is not a valid id
  if (process.getuid?.() !== 0 || !valid(uid) || !valid(gid) || Number(uid) === 0) return undefined;
  const user = findUser(uid);
  return { uid: Number(uid), gid: Number(gid), ...(user && { user }) };
}

/** Parses the value of --user. */
export function user(text: string): User {
  const found = findUser(text);
  if (!found) throw invalidValue(text, 'this user does not exist; see getent passwd');
  return found;
}

const setgid = 1n << 6n;
const setuid = 1n << 7n;

function mayChangeUser(): boolean {
  const [, effective = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return (BigInt(`0x${effective}`) & (setuid | setgid)) === (setuid | setgid);
}

/**
 * Returns the user to become: the given one; else, for root, sudo's caller, the local user `synpipe`, or nobody. Returns undefined
 * if the user does not change. Throws RuntimeError if this process cannot become the given user.
 */
export function successor(given: User | undefined): { uid: number; gid: number } | undefined {
  const own = process.getuid?.();
  if (given ? given.uid === own : own !== 0) return undefined;
  if (!mayChangeUser()) {
    const lacks = 'CAP_SETUID and CAP_SETGID';
    if (given) throw new RuntimeError(`cannot become ${given.name} without ${lacks}; grant them or leave out --user`);
    logMessage('collector', `stays root, without capabilities: it lacks ${lacks} to become another user`);
    return undefined;
  }
  return (
    given ?? sudoCaller() ?? userOf(findLocal('passwd', 'synpipe')) ?? findUser('nobody') ?? { uid: 65534, gid: 65534 }
  );
}

/** Gives up this process's rights, and becomes that user if one is given. Throws RuntimeError. */
export function giveUpRights(addon: Addon, to: ReturnType<typeof successor>): void {
  process.on('SIGUSR1', () => {}); // by default, Node opens its debugger at this signal, which any process of the new user may send
  stat('/', () => {}); // starts libuv's threads now: later, that user may not be allowed to have more threads
  try {
    addon.dropPrivileges(to);
  } catch (error) {
    throw new RuntimeError(`${(error as Error).message}; ${remedy(error)}`);
  }
}
