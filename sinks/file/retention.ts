import { byAge, type FoundFile } from './closed.js';

/** Which closed files to keep: at most `files`, at most `bytes` in total, and none older than `age` (ms). */
export interface RetentionLimits {
  files?: number | undefined;
  bytes?: number | undefined;
  age?: number | undefined;
}

/** Returns the files to delete, oldest first. */
export function surplus(found: readonly FoundFile[], { files, bytes, age }: RetentionLimits, now: number): FoundFile[] {
  let count = 0;
  let total = 0;
  let full = false;
  const old = [...found].sort(byAge).reverse();
  return old
    .filter(({ size, modified }) => {
      count++;
      total += size;
      full ||= (files !== undefined && count > files) || (bytes !== undefined && total > bytes);
      return full || (age !== undefined && now - modified > age);
    })
    .reverse();
}
