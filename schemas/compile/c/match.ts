import { describe, type Matcher } from '../matcher.js';
import { membersOf, type ObjectFunctions } from '../objects.js';
import { type ByteSet, fixedBytes } from '../pattern.js';

/** Returns code that moves p past the value, or returns 0 if the value does not match. */
export function match(value: Matcher, opened: boolean, objects: ObjectFunctions): string {
  const open = opened ? '' : "if (*p++ != '\"') return 0;\n";
  const call = (expression: string) => `if (unlikely(!(p = ${expression}))) return 0;`;
  switch (value.kind) {
    case 'literals':
      return `${[...value.texts]
        .sort((a, b) => b.length - a.length)
        .map((text) => `if (${same(text, 'p')}) p += ${text.length};`)
        .join('\nelse ')}\nelse return 0;`;
    case 'integer':
      return call(`integer(p, ${value.min}, ${value.max}, ${String(value.max).length})`);
    case 'string':
      return open + call(`string(p, ${value.min}, ${value.max})`);
    case 'address': {
      const [only, other] = [value.ipv4 && 'ipv4', value.ipv6 && 'ipv6'].filter(Boolean);
      if (!other) return open + call(`${only}(p)`);
      return `${open}{\n\tconst u8 *end = ipv4(p);\n\tif (!end && !(end = ipv6(p))) return 0;\n\tp = end;\n}`;
    }
    case 'pattern':
      return open + pattern(value);
    case 'list':
      return `if (*p++ != '[') return 0;
{
	u32 count = 0;
	if (*p != ']' || ${value.min} > 0) {
		for (;; p++) {
${indent(match(value.item, false, objects), 3)}
			count++;
			if (*p != ',') break;
		}
	}
	if (*p++ != ']' || ${value.min > 0 ? `count < ${value.min} || ` : ''}count > ${value.max}) return 0;
}`;
    case 'object':
      return call(`${objects.nameOf(value, (name) => object(name, value, objects))}(p)`);
    case 'open':
      return call('open_object(p)');
    case 'none':
      return 'return 0;';
  }
}

function object(name: string, value: Matcher & { kind: 'object' }, objects: ObjectFunctions): string {
  const { read, required } = membersOf(value);
  const members = read.map(
    ({ key, value }, at) => `if (${same(key, 'p')}) {
	bit = ${(1 << at) >>> 0}u;
	p += ${key.length};
${indent(match(value, key.endsWith('"'), objects))}
}`,
  );
  return `// Matches ${describe(value)}.
OUTLINE const u8 *${name}(const u8 *p) {
	u32 found = 0, bit;
	if (*p++ != '{') return 0;
	if (*p != '}') {
		for (;; p++) {
${indent(members.join(' else '), 3)} else return 0;
			if (found & bit) return 0;
			found |= bit;
			${value.single ? '' : "if (*p != ',') "}break;
		}
	}
	return *p == '}'${required ? ` && (found & ${required}u) == ${required}u` : ''} ? p + 1 : 0;
}
`;
}

function pattern({ parts }: Matcher & { kind: 'pattern' }): string {
  const { fixed, open } = fixedBytes(parts);
  const code: string[] = [];
  const bytes = fixed.flatMap(({ choices }) =>
    (choices[0] as ByteSet[]).map((_, i) => choices.flatMap((sets) => sets[i] as ByteSet)),
  );
  const exact = (at: number) => fixed.some((one) => one.at === at && one.end === at + 1 && bytes[at]?.length === 1);
  const wide = bytes.length >= 16;
  for (let at = 0; wide && at < bytes.length; at += 16) {
    const from = Math.min(at, bytes.length - 16);
    const bound = (which: 0 | 1) => {
      const codes = bytes.slice(from, from + 16).map((set) => set.map((range) => range[which]));
      return codes.map((all) => (which ? Math.max(...all) : Math.min(...all))).join(', ');
    };
    const bounds = `wasm_u8x16_const(${bound(0)}), wasm_u8x16_const(${bound(1)})`;
    code.push(`if (unlikely(!each_within(wasm_v128_load(p + ${from}), ${bounds}))) return 0;`);
  }
  const tests = fixed
    .filter(({ at }) => !wide || !exact(at))
    .map(({ at, choices }) => any(choices.map((sets) => sets.map((set, i) => inSet(set, at + i)).join(' && '))));
  if (tests.length > 0) code.push(`if (unlikely(!(${tests.join(' &&\n\t\t')}))) return 0;`);
  if (!open) {
    code.push(`if (p[${bytes.length}] != '"') return 0;`, `p += ${bytes.length + 1};`);
    return code.join('\n');
  }
  const sets = open.set.map(([first, last]) => `within(bytes, ${first}, ${last})`);
  const union = sets.reduce((all, one) => `wasm_v128_or(${all}, ${one})`);
  code.push(`{
	const u8 *from = p${bytes.length ? ` + ${bytes.length}` : ''};
	u32 count;
	p = from;
	do {
		v128_t bytes = wasm_v128_load(p);
		count = __builtin_ctz(~wasm_i8x16_bitmask(${union}));
		p += count;
	} while (count == 16);
	if (unlikely(p - from < ${open.min} || p - from > ${open.max} || *p++ != '"')) return 0;
}`);
  return code.join('\n');
}

const any = (tests: string[]) =>
  tests.length > 1 ? `(${tests.map((test) => `(${test})`).join(' || ')})` : (tests[0] as string);

function inSet(set: ByteSet, at: number): string {
  return any(
    set.map(([first, last]) =>
      first === last ? `p[${at}] == ${first}` : `(u8)(p[${at}] - ${first}) <= ${last - first}`,
    ),
  );
}

/** Returns an expression that tests whether the bytes at a place are this ASCII text, with loads as wide as possible. */
export function same(text: string, place: string): string {
  const bytes = Buffer.from(text);
  const tests: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const left = bytes.length - at;
    const size = [8, 4, 2, 1].find((one) => one <= left || (one <= bytes.length && one < 2 * left)) as number;
    const from = Math.min(at, bytes.length - size);
    const value = Buffer.from(bytes.subarray(from, from + size))
      .reverse()
      .toString('hex'); // little-endian
    const where = from ? `${place} + ${from}` : place;
    tests.push(size === 1 ? `*(${where}) == 0x${value}` : `load${size}(${where}) == 0x${value}`);
    at = from + size;
  }
  return `/* ${text} */ ${tests.join(' && ')}`;
}

export const indent = (text: string, by = 1) => text.replace(/^(?=.)/gm, '\t'.repeat(by));
