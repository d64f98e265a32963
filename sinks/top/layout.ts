import type { Column } from './sections.js';

/** The smallest screen that can show the view. */
export const smallest = { columns: 60, rows: 10 };

/** Returns the columns that a screen of this width shows, with their widths. One blank separates them. */
export function columnsFor<R>(all: readonly Column<R>[], room: number): { column: Column<R>; width: number }[] {
  const shown = all.filter(({ from = 0 }) => room + 2 >= from);
  const fixed = shown.reduce((sum, { width = 0 }) => sum + width + 1, -1);
  const shares = shown.reduce((sum, { share = 0 }) => sum + share, 0);
  const free = room - fixed;
  const least = 6; // below this, a column says nothing
  const last = shown.at(-1);
  if (free < least * shown.filter(({ share }) => share).length && shown.length > 1 && last)
    return columnsFor(shown.slice(0, -1), room);
  let left = free;
  const flexible = shown.filter(({ share }) => share).length;
  let nth = 0;
  return shown.map((column) => {
    if (column.share === undefined) return { column, width: column.width ?? 0 };
    nth++;
    const width = nth === flexible ? left : Math.floor((free * column.share) / shares);
    left -= width;
    return { column, width };
  });
}

/** Divides lines among lists fairly: nobody gets more than needed, and what one does not need goes to the others. */
export function divide(lines: number, needs: readonly number[]): number[] {
  const given = needs.map(() => 0);
  for (let left = lines; left > 0; left--) {
    let neediest = -1;
    for (const [at, need] of needs.entries()) {
      const has = given[at] as number;
      if (has < need && (neediest < 0 || has < (given[neediest] as number))) neediest = at;
    }
    if (neediest < 0) break;
    (given[neediest] as number)++;
  }
  return given;
}
