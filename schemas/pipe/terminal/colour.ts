import { type Options, oneOf } from '../command/options.js';

const choices = ['auto', 'always', 'never'] as const;
type Choice = (typeof choices)[number];

/** The row for `--color` in a command's table of options. */
export const colourOption = {
  value: choices.join('|'),
  parse: oneOf(...choices),
  words: [...choices],
  help: 'When to use colour. auto (the default): on a terminal, unless NO_COLOR is set; FORCE_COLOR=1 turns it on elsewhere.',
} satisfies Options[string];

/** Returns whether to use colour: `terminal` is whether the output is a terminal. */
export function useColour(terminal: boolean, choice: Choice = 'auto', env: NodeJS.ProcessEnv = process.env): boolean {
  if (choice !== 'auto') return choice === 'always';
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: kind } = env;
  if (force) return force !== '0' && force !== 'false';
  return terminal && !no && kind !== 'dumb';
}

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  underline: [4, 24],
  inverse: [7, 27],
  red: [31, 39],
  yellow: [33, 39],
} as const;

export type Style = keyof typeof codes;

/** Styles a text. */
export type Paint = (text: string, ...styles: Style[]) => string;

/** Returns a function that styles text, or leaves it unchanged without colour. Styles that contain others stay in effect. */
export function painter(colour: boolean): Paint {
  if (!colour) return (text) => text;
  return (text, ...styles) => styles.reduce((painted, style) => paint(painted, codes[style]), text);
}

function paint(text: string, [on, off]: readonly [number, number]): string {
  return text === '' ? '' : `\x1b[${on}m${text}\x1b[${off}m`;
}
