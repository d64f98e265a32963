import { byAge, type Found } from './closed.js';

/** What is kept of the closed files: the newest so many, so many bytes of them, those so many ms old at most. */
export interface Keep {
  files?: number | undefined;
  bytes?: number | undefined;
  age?: number | undefined;
}

/** The files to delete, oldest first. */
export function surplus(found: readonly Found[], { files, bytes, age }: Keep, now: number): Found[] {
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
