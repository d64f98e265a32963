import { addon } from './addon.js';

/** The size for a pipe that was full: the largest that the kernel gives an unprivileged user. */
const bytes = 1 << 20;

/**
 * Enlarges a pipe, so that its writer and its reader wait for each other less often. Returns whether it is larger now. It is
 * not if it had this size already, if the kernel refuses (there is a limit for all pipes of a user), or without the native
 * addon.
 */
export const grow = (fd: number): boolean => addon()?.grow(fd, bytes) ?? false;
