import type { Page } from './page.js';
import { type AnyRow, type Section, sections } from './sections.js';
import type { SectionState, Shown, State } from './state.js';

/** The keys and what they do, for the help. */
export const keyTable: readonly (readonly [keys: string, what: string])[] = [
  ['↑ ↓ PgUp PgDn, k j', 'select a row of the section'],
  ['Home End, g G', 'the top, with no row selected; the last row'],
  ['Tab, Shift-Tab', 'the next section, the previous one'],
  ['1 2 3 4', 'waiting, failing, who talks to whom, failed look-ups'],
  ['z', 'let the section fill the screen, or show all'],
  ['s S', 'sort the section by the next criterion, the previous'],
  ['/', 'filter, in the language of filter --where'],
  ['p, Space', 'pause the screen (events still count), or continue'],
  ['Enter', 'all fields of the last attempt or look-up of the row'],
  ['m', 'messages of the collector and of the command'],
  ['Ctrl-L', 'draw the screen again'],
  ['? h', 'show these keys'],
  ['Esc', 'go back; select no row'],
  ['q, Ctrl-C', 'quit'],
];

/** What a key can ask for besides a change of the state. */
export interface Actions {
  quit(): void;
  redraw(): void;
  /** Pauses or continues. */
  pause(): void;
  /** Applies a filter. Returns what is wrong with it. */
  filter(text: string): string | undefined;
}

/** Handles a key: a character, or a name such as `up` or `ctrl-l`. */
export function press(key: string, state: State, page: Page, shown: Shown, actions: Actions): void {
  if (state.prompt) typed(key, state, state.prompt, actions);
  else if (key === 'ctrl-l') actions.redraw();
  else if (state.overlay) scrolled(key, state, state.overlay, page);
  else chosen(key, state, page, shown, actions);
}

/** Handles a key while the lists are shown. */
function chosen(key: string, state: State, page: Page, shown: Shown, actions: Actions): void {
  const section = state.sections[state.focus] as SectionState;
  const rows = page.rows[state.focus] as AnyRow[];
  const height = Math.max(1, page.heights[state.focus] as number);
  const select = (at: number) => {
    state.hasChosen = true;
    section.at = Math.max(0, Math.min(at, rows.length - 1));
    section.selected = rows[section.at]?.key;
  };
  const from = section.selected === undefined ? -1 : section.at; // the first key selects the first row
  const focus = (at: number) => {
    state.hasChosen = true;
    state.focus = (at + sections.length) % sections.length;
  };
  const { orders } = sections[state.focus] as Section<AnyRow>;
  const sort = (by: number) => {
    state.hasChosen = true;
    section.order = (section.order + by + orders.length) % orders.length;
  };
  const does: Record<string, () => unknown> = {
    q: actions.quit,
    down: () => select(from + 1),
    up: () => select(from - 1),
    pagedown: () => select(section.at + height),
    pageup: () => select(section.at - height),
    home: () => {
      section.selected = undefined;
      section.top = 0;
    },
    end: () => select(rows.length - 1),
    tab: () => focus(state.focus + 1),
    'shift-tab': () => focus(state.focus - 1),
    s: () => sort(1),
    S: () => sort(-1),
    z: () => {
      state.hasChosen = true;
      state.zoomed = !state.zoomed;
    },
    p: actions.pause,
    '/': () => {
      state.prompt = { text: state.filter, error: undefined };
    },
    enter: () => {
      const row = rows[section.at];
      if (row) state.overlay = { kind: 'details', scroll: 0, row };
    },
    m: () => {
      state.overlay = { kind: 'messages', scroll: Number.POSITIVE_INFINITY };
      state.read = shown.messages.length;
    },
    '?': () => {
      state.overlay = { kind: 'help', scroll: 0 };
    },
    escape: () => {
      if (section.selected !== undefined) section.selected = undefined;
      else state.zoomed = false;
    },
  };
  const same: Record<string, string> = { k: 'up', j: 'down', g: 'home', G: 'end', h: '?', ' ': 'p' };
  if (/^[1-4]$/.test(key)) focus(Number(key) - 1);
  else if (Object.hasOwn(does, same[key] ?? key)) does[same[key] ?? key]?.();
}

function scrolled(key: string, state: State, overlay: State['overlay'] & object, { size }: Page): void {
  const by: Record<string, number> = {
    ...{ down: 1, j: 1, up: -1, k: -1, home: -1e9, g: -1e9, end: 1e9, G: 1e9 },
    ...{ pagedown: size.rows - 5, ' ': size.rows - 5, pageup: 5 - size.rows },
  };
  if (by[key] !== undefined) overlay.scroll = Math.max(0, overlay.scroll + by[key]);
  else if (['escape', 'enter', 'q', 'm', '?', 'h'].includes(key)) state.overlay = undefined;
}

function typed(key: string, state: State, prompt: State['prompt'] & object, actions: Actions): void {
  const edit = (text: string) => {
    state.prompt = { text, error: undefined };
  };
  if (key === 'escape') state.prompt = undefined;
  else if (key === 'backspace') edit([...prompt.text].slice(0, -1).join(''));
  else if (key === 'ctrl-u') edit('');
  else if (key === 'ctrl-w') edit(prompt.text.replace(/\S*\s*$/, ''));
  else if (key === 'enter') {
    const text = prompt.text.trim();
    const error = actions.filter(text);
    if (error !== undefined) prompt.error = error;
    else {
      state.filter = text;
      state.prompt = undefined;
    }
  } else if ([...key].length === 1) edit(prompt.text + key);
}
