const longest = 60;

/**
 * A field's value as a part of a file's name. Any process chooses its own name: whatever could lead elsewhere or hide a
 * file is written as `%XX`, and the length is bounded.
 */
export function safeName(value: unknown): string {
  const text =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  if (text === '') return '-';
  let name = '';
  for (const byte of Buffer.from(text)) {
    const c = String.fromCharCode(byte);
    const more = /[\w.:+,=-]/.test(c) ? c : escaped(byte);
    if (name.length + more.length > longest) break;
    name += more;
  }
  return name.replace(/^\./, '%2E');
}

function escaped(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** How the names end that sink-file makes of a file's name: archives, what is set aside, and the time when it was closed. */
const own = /\.(?:gz|zst|parquet|torn|tmp)$|\.(?=\d{3}Z(?:\.[A-Za-z0-9]+)?$)/;

/** A file's name that ends like none of these, unless the end is the user's own text. */
export function notOwn(name: string, tail: string): string {
  return own.test(tail) ? name : name.replace(own, (end) => `%2E${end.slice(1)}`);
}
