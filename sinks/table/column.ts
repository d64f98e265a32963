import { printable } from '../../schemas/pipe/messages/printable.js';

/** A column of a table of Ts. Widths are in terminal columns. */
export interface Column<T> {
  /** As in `--columns`. */
  name: string;
  title: string;
  /** On a terminal: the width below which it is not shrunk, and the width that most values need. */
  min: number;
  ideal: number;
  /** Aligns to the right, for numbers. */
  right?: boolean;
  /** A long text is shortened at its end, not in its middle. */
  fromStart?: boolean;
  /** Of a failed attempt, its text is not cut while other columns have more room than they need. */
  reason?: boolean;
  /** On a narrow terminal, the columns with the highest number are left out first. Without it, the column always stays. */
  rank?: number;
  /** Shown only if all other columns have their ideal width. */
  extra?: boolean;
  text(from: T): string;
  /** Finds a value of an event whose text, without quotes, is that of the column. Returns whether there is one. */
  locate?(from: T): boolean;
}

/** A column in a layout. */
export interface Placed<T> {
  column: Column<T>;
  /** Its index among all columns. */
  at: number;
  width: number;
}

/** Formats any value of a field. */
export function shown(value: unknown): string {
  if (value === undefined) return '-';
  if (Array.isArray(value)) return printable(value.join(','));
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value));
}
