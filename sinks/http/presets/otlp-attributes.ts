import { kinds } from '../../../schemas/generated/kinds.js';
import type { Line } from '../../../schemas/pipe/line/line.js';
import { LineField } from '../../../schemas/pipe/line/line-field.js';

const [quote, zero, nine, openBrace, openBracket] = [34, 48, 57, 123, 91];

/** The fields of each kind of line, with the start of the attribute for each. */
const fieldsOf = kinds.map(({ fields }) =>
  fields.map((name) => ({ field: new LineField(name), start: `,{"key":${JSON.stringify(name)},"value":{` })),
);

/**
 * Returns the fields of a line as OTLP attributes in JSON, each after a comma. The scanner has accepted the line, so values are
 * copied as they are.
 * @param bytes the line, a character for each byte
 */
export function attributesOf(line: Line, bytes: string): string {
  let text = '';
  for (const { field, start } of fieldsOf[line.kind] as (typeof fieldsOf)[number]) {
    if (!line.locate(field)) continue;
    const [from, to] = [line.from - line.start, line.to - line.start];
    const first = bytes.charCodeAt(from);
    const value = bytes.slice(from, to);
    if (first === quote) text += `${start}"stringValue":${value}}}`;
    else if (first >= zero && first <= nine && !value.includes('.')) text += `${start}"intValue":"${value}"}}`;
    else text += `${start}${rare(value, first)}}}`;
  }
  return text;
}

function rare(json: string, first: number): string {
  if (first === openBrace || first === openBracket) return `"stringValue":${JSON.stringify(json)}`;
  return `"${json === 'true' || json === 'false' ? 'bool' : 'double'}Value":${json}`;
}
