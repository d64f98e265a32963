const longest = 60;

/**
 * Returns a field's value as part of a file name. Processes choose their own names, so characters that could lead to
 * another folder or hide the file are written as `%XX`, and the length is limited.
 */
export function safeName(value: unknown): string {
  const text =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  if (text === '') return '-';
  let name = '';
  for (const byte of Buffer.from(text)) {
    const c = String.fromCharCode(byte);
    const more = /[\w:+,=-]/.test(c) || (c === '.' && name !== '') ? c : escaped(byte);
    if (name.length + more.length > longest) break;
    name += more;
  }
  return name;
}

function escaped(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** The suffixes that sink-file itself adds to a name: of archives, of files set aside, and the time when a file was closed. */
const ownSuffix = /\.(?:gz|zst|parquet|torn|tmp)$|\.(?=\d{3}Z(?:\.[A-Za-z0-9]+)?$)/;

/** Escapes such a suffix if it comes from a field. It stays if `tail`, the fixed text after the last field, contains it. */
export function escapeOwnSuffix(name: string, tail: string): string {
  return ownSuffix.test(tail) ? name : name.replace(ownSuffix, (end) => `%2E${end.slice(1)}`);
}
