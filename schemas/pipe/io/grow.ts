import { addon } from './addon.js';

/** What a pipe may hold that was found full: the most that the kernel lets everyone have. */
const bytes = 1 << 20;

/**
 * Gives a pipe more room, for both its ends: whoever feeds or reads it goes on for longer before one has to wait for the
 * other. Returns whether it has more now: not where it has that much already, the kernel refuses (a user's pipes may hold
 * so much in all), or this package lacks its native part.
 */
export const grow = (fd: number): boolean => addon()?.grow(fd, bytes) ?? false;
