import { divide } from './layout.js';
import { type AnyRow, sections } from './sections.js';
import type { SectionState, Shown, State } from './state.js';

/** The size of the screen. */
export interface Size {
  columns: number;
  rows: number;
}

/** What of the lists is on the screen. */
export interface Page {
  size: Size;
  /** All rows of each section, in its order. */
  rows: AnyRow[][];
  /** How many rows of each section have room. */
  heights: number[];
  /** Whether there is an empty line above each section. */
  isLoose: boolean;
}

/** The lines above the lists. */
export const headerLines = 2;
/** From this many lines on, there are empty lines between the sections. */
const looseFrom = 30;

/** Orders the rows and divides the screen among the sections. Scrolls each so that its selected row is visible. */
export function arrange(shown: Shown, state: State, size: Size): Page {
  if (!state.hasChosen)
    state.focus = Math.max(
      0,
      sections.findIndex(({ size }) => size(shown.model) > 0),
    );
  const isLoose = size.rows >= looseFrom;
  const footer = state.prompt || state.read < shown.messages.length ? 2 : 1;
  const visible = sections.map((_, at) => !state.zoomed || at === state.focus);
  const headings = visible.filter(Boolean).length * (isLoose ? 2 : 1);
  const rows = sections.map((_, at) => (visible[at] ? rowsOf(shown, state, at) : []));
  const rests = sections.map(({ other }, at) => (visible[at] && other(shown.model) ? 1 : 0));
  const needs = rows.map(({ length }, at) => length + (rests[at] as number));
  const heights = divide(size.rows - headerLines - footer - headings, needs);
  for (const [at, section] of state.sections.entries())
    if (visible[at]) follow(section, rows[at] as AnyRow[], heights[at] as number, rests[at] as number);
  return { size, rows, heights, isLoose };
}

function rowsOf({ model, now }: Shown, state: State, section: number): AnyRow[] {
  const { rows, orders } = sections[section] as (typeof sections)[number];
  const { of } = orders[(state.sections[section] as SectionState).order] as (typeof orders)[number];
  return [...rows(model)].sort((a, b) => of(a, b, now));
}

/** Finds the selected row, which may have moved or gone, and scrolls to it. `rest` lines follow the last row. */
function follow(section: SectionState, rows: readonly AnyRow[], height: number, rest: number): void {
  if (section.selected === undefined) section.at = 0;
  else {
    const found = rows.findIndex(({ key }) => key === section.selected);
    section.at = Math.max(0, found >= 0 ? found : Math.min(section.at, rows.length - 1));
    section.selected = rows[section.at]?.key;
  }
  const last = Math.max(0, rows.length + rest - height);
  const end = section.at + 1 + (section.at === rows.length - 1 ? rest : 0);
  const atLeast = Math.min(last, Math.max(0, end - height));
  section.top = Math.max(atLeast, Math.min(section.top, section.at, last));
}
