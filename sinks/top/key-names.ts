import { emitKeypressEvents } from 'node:readline';
import { PassThrough } from 'node:stream';

interface Key {
  name?: string;
  ctrl?: boolean;
  shift?: boolean;
  sequence: string;
}

/** Splits what was typed into keys: characters, and names such as `up`, `pagedown`, `shift-tab`, `enter`, `ctrl-l`. */
export function keyNames(press: (key: string) => void): (typed: string) => void {
  const input = new PassThrough();
  // a lone Esc is known as one after this time (ms)
  emitKeypressEvents(input, { escapeCodeTimeout: 100 } as never);
  input.on('keypress', (text: string | undefined, key: Key) => {
    const name = nameOf(text, key);
    if (name !== undefined) press(name);
  });
  return (typed) => void input.write(typed);
}

function nameOf(text: string | undefined, { name, ctrl, shift }: Key): string | undefined {
  if (ctrl) return `ctrl-${name}`;
  if (name === 'return') return 'enter';
  if (name === 'tab') return shift ? 'shift-tab' : 'tab';
  if (name === 'space' || (text !== undefined && /^[^\p{Cc}\p{Cf}]$/u.test(text))) return text;
  return name;
}
