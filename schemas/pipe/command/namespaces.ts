import { statfsSync, statSync } from 'node:fs';
import { cause, invalidValue } from '../messages/errors.js';

const pidMax = 4_194_304; // the inode numbers of namespaces are far above this
const nsfs = 0x6e736673; // NSFS_MAGIC

/**
 * Returns a network namespace's inode number, given that number, a process in it, its name in /run/netns, or a path. A number
 * that can be a process's is taken as one. `inodeOf` reads the number from a file that is a namespace; it returns undefined
 * if it is not a network namespace.
 */
export function namespaceInode(
  text: string,
  inodeOf = (path: string): number | undefined => statSync(path).ino,
): number {
  if (/^\d{1,10}$/.test(text) && Number(text) > pidMax && Number(text) <= 0xffffffff) return Number(text);
  const path = /^\d+$/.test(text) ? `/proc/${text}/ns/net` : text.includes('/') ? text : `/run/netns/${text}`;
  let inode: number | undefined;
  try {
    // Check the type of the file system first, so that nothing but a namespace is opened.
    inode = statfsSync(path).type === nsfs ? inodeOf(path) : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw invalidValue(
      text,
      `cannot read ${path}: ${cause(error)}; use a process, a network namespace or an inode number`,
    );
  }
  if (inode === undefined) throw invalidValue(text, `${path} is not a network namespace; see ip netns and lsns -t net`);
  return inode;
}
