/** A random key, so that no input can contain it. */
let mark: string | undefined;
/** Matches anything that may be a number of 16 digits or more. IDs do not count: they are strings. */
const long = /(?:^|[:,[\s])-?\d{16}/;
const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/** Like JSON.parse, but integers that a number cannot represent exactly become a bigint. */
export function parseExact(text: string): unknown {
  if (!long.test(text)) return JSON.parse(text);
  mark ??= crypto.randomUUID();
  const key = mark;
  const marked = text.replace(tokens, (token) =>
    /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `{"${key}":"${token}"}` : token,
  );
  if (marked === text) return JSON.parse(text);
  return JSON.parse(marked, (_, value) =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? BigInt(value[key]) : value,
  );
}

/** Like JSON.stringify, but a bigint becomes an integer. */
export function stringifyExact(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    mark ??= crypto.randomUUID();
    const key = mark;
    const text = JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${key}${one}` : one));
    return text.replace(new RegExp(`"${key}(-?\\d+)"`, 'g'), '$1');
  }
}
