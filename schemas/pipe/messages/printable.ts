/**
 * Returns text from elsewhere as it may go to a terminal or a page: control characters (C0, DEL, C1) as `\xNN`, and what
 * has no shape of its own, breaks lines or turns their direction (bidi, zero-width, tags, separators) as `\u{NNNN}`. All
 * of these can make a line read as another.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (c) => {
    const code = (c.codePointAt(0) as number).toString(16);
    return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, '0')}`;
  });
}
