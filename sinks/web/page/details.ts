import { printable } from '../../../schemas/pipe/messages/printable.js';
import type { Attempt } from './model.js';

/** Shows all fields of an attempt. A click on a value calls `narrow`. */
export function fillDetails(into: Element, { lines }: Attempt, narrow: (name: string, value: string | number) => void) {
  into.replaceChildren();
  for (const [name, value] of Object.entries(Object.assign({}, ...lines.map((line) => JSON.parse(line))))) {
    const [term, meaning] = [document.createElement('dt'), document.createElement('dd')];
    const text = printable(typeof value === 'string' ? value : JSON.stringify(value));
    term.textContent = printable(name);
    if (typeof value === 'string' || typeof value === 'number') {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = text;
      button.title = `Add to the filter: ${printable(name)} is ${text}`;
      button.addEventListener('click', () => narrow(name, value));
      meaning.append(button);
    } else meaning.textContent = text;
    into.append(term, meaning);
  }
}

/** Copies a text, and says so on the button. */
export async function copy(text: string, button: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyByCommand(text, button);
  }
  const label = button.textContent;
  if (label === 'Copied') return;
  button.textContent = 'Copied';
  setTimeout(() => {
    button.textContent = label;
  }, 1_500);
}

/** Copies without the clipboard API, which browsers refuse to a page over plain HTTP from another machine. */
function copyByCommand(text: string, button: HTMLElement): void {
  const area = document.createElement('textarea');
  area.value = text;
  button.after(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  button.focus();
}

/** Downloads a text as a file. */
export function save(parts: string[], name: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type: 'application/x-ndjson' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
