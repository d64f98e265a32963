const longest = 60;

/**
 * A field's value as a part of a file's name. Any process chooses its own name: whatever could lead elsewhere, hide a
 * file, or be taken for one of the names that sink-file gives itself is written as `%XX`, and the length is bounded.
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
  return name.replace(/^\.|\.(?=(gz|zst|parquet|torn|tmp)$)/g, '%2E');
}

function escaped(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
