import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { invalidValue } from '../messages/errors.js';
import { nearest } from './nearest.js';

/** The number of a user or a group: 0xffffffff is not a valid one. */
const highest = 0xfffffffe;

/** Returns the fields of a user's or group's entry, given its name or number; undefined if there is none. */
export function findAccount(database: 'passwd' | 'group', key: string): string[] | undefined {
  return findLocal(database, key) ?? fromServices(database, key);
}

/** The same, but only from the local file: it starts no process. */
export function findLocal(database: 'passwd' | 'group', key: string): string[] | undefined {
  return entries(database).find(([name, , id]) => name === key || id === key);
}

/** Returns the names of all users or groups in the local file. */
export const accountNames = (database: 'passwd' | 'group') => entries(database).map(([name = '']) => name);

function entries(database: string): string[][] {
  try {
    return readFileSync(`/etc/${database}`, 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .filter(([name, , id]) => name && /^\d+$/.test(id ?? ''));
  } catch {
    return [];
  }
}

/** Asks also LDAP and similar services. */
function fromServices(database: string, key: string): string[] | undefined {
  try {
    const entry = execFileSync('getent', [database, '--', key], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return entry.trimEnd().split(':');
  } catch {
    return undefined;
  }
}

/** Parses the name or number of a user or group. The result is the number. Throws UsageError. */
const account =
  (database: 'passwd' | 'group', what: string) =>
  (text: string): number => {
    const id = /^\d+$/.test(text) ? text : findAccount(database, text)?.[2];
    if (id === undefined || Number(id) > highest)
      throw invalidValue(
        text,
        nearest(text, accountNames(database)) ?? `use the name or number of a ${what}; see getent ${database}`,
      );
    return Number(id);
  };

export const userId = account('passwd', 'user');
export const groupId = account('group', 'group');
