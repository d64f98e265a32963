import type { Model } from './model.js';
import { type AnyRow, sections } from './sections.js';

/** What covers the lists: the fields of a row, the keys, or messages. */
export interface Overlay {
  kind: 'details' | 'help' | 'messages';
  /** The first line shown. */
  scroll: number;
  /** The row that details are about, as it was when it was last there. */
  row?: AnyRow;
}

/** How a section is shown. */
export interface SectionState {
  /** The key of the selected row, and its place, in case the row goes away. */
  selected: string | undefined;
  at: number;
  /** The first row shown. */
  top: number;
  /** The order of the rows, an index in `orders`. */
  order: number;
}

/** Everything that keys change. */
export type State = ReturnType<typeof initialState>;

export function initialState() {
  return {
    sections: sections.map((): SectionState => ({ selected: undefined, at: 0, top: 0, order: 0 })),
    /** The section that keys act on; until one is chosen, the first with rows. */
    focus: 0,
    hasChosen: false,
    /** Whether that section fills the screen. */
    zoomed: false,
    paused: false,
    overlay: undefined as Overlay | undefined,
    /** The filter while it is typed, and what is wrong with it. */
    prompt: undefined as { text: string; error: string | undefined } | undefined,
    /** The filter that applies; empty if there is none. */
    filter: '',
    /** How many messages have been read. */
    read: 0,
  };
}

/** What is shown besides the state. All times are in µs. */
export interface Shown {
  /** What the events add up to that match the filter … */
  model: Model;
  /** … and all events. */
  all: Model;
  now: number;
  /** Where the events come from: `live`, `connects.ndjson`, `standard input`. */
  source: string;
  hasEnded: boolean;
  messages: readonly string[];
}
