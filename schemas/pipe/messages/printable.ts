/**
 * Makes untrusted text safe for a terminal or a page. Escapes control characters (C0, DEL, C1) as `\xNN`, and characters
 * that are invisible, break lines or change the direction of text (bidi, zero-width, tags, separators) as `\u{NNNN}`: any
 * of these can make one line look like another.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (c) => {
    const code = (c.codePointAt(0) as number).toString(16);
    return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, '0')}`;
  });
}
