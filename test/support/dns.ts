/** DNS messages, valid and invalid. */

const type = { A: 1, CNAME: 5, PTR: 12, TXT: 16, AAAA: 28, OPT: 41, ANY: 255 } as const;
export type Type = keyof typeof type;

const u16 = (number: number) => Buffer.from([(number >> 8) & 255, number & 255]);
const u32 = (number: number) => Buffer.concat([u16(number >>> 16), u16(number)]);

/** `www.example.test`; labels passed one by one may hold any bytes. */
export function name(labels: string | Buffer[]): Buffer {
  const parts = typeof labels === 'string' ? labels.split('.').filter(Boolean).map(Buffer.from) : labels;
  return Buffer.concat([...parts.flatMap((part) => [Buffer.from([part.length]), part]), Buffer.from([0])]);
}

/** A compression pointer to that byte of the message. */
export const pointer = (at: number) => u16(0xc000 | at);
/** A compression pointer to the question. */
export const asked = pointer(12);

export const ip4 = (text: string) => Buffer.from(text.split('.').map(Number));

export interface RecordOf {
  owner?: Buffer;
  type: Type;
  data: Buffer;
  ttl?: number;
  class?: number;
}

export function record({ owner = asked, type: which, data, ttl = 300, class: of = 1 }: RecordOf): Buffer {
  return Buffer.concat([owner, u16(type[which]), u16(of), u32(ttl), u16(data.length), data]);
}

export const question = (of: Buffer, which: Type = 'A') => Buffer.concat([of, u16(type[which]), u16(1)]);

export interface Message {
  id: number;
  flags?: number;
  questions: Buffer[];
  answers?: Buffer[];
  additional?: Buffer[];
  /** The record counts that the header claims, if not the real ones. */
  counts?: [number, number, number, number];
}

export const flags = { query: 0x0100, answer: 0x8180, truncated: 0x8380, nxdomain: 0x8183 } as const;

export function message({ id, flags: bits, questions, answers = [], additional = [], counts }: Message): Buffer {
  const numbers = counts ?? [questions.length, answers.length, 0, additional.length];
  const head = [u16(id), u16(bits ?? (answers.length > 0 ? flags.answer : flags.query)), ...numbers.map(u16)];
  return Buffer.concat([...head, ...questions, ...answers, ...additional]);
}

/** An OPT record with padding of this size. */
export function edns(padding: number): Buffer {
  const option = Buffer.concat([u16(12), u16(padding), Buffer.alloc(padding)]);
  return record({ owner: Buffer.from([0]), type: 'OPT', class: 4096, ttl: 0, data: option });
}
