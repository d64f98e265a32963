import packet from 'dns-packet';

export type QueryType = 'PTR' | 'A' | 'AAAA';

/** A server's reply: the records of the query, which may be an empty list, or that the query failed. */
export type Reply = { data: string[]; ttl: number } | 'failed';

/** Encodes a query with recursion desired. */
export function encodeQuery(id: number, name: string, type: QueryType): Buffer {
  return packet.encode({ type: 'query', id, flags: packet.RECURSION_DESIRED, questions: [{ type, name }] });
}

export const isTruncated = (message: Buffer): boolean => ((message[2] ?? 0) & 2) !== 0;

/** Returns the ID of the query that a message answers, or undefined if it is not an answer. */
export function answeredId(message: Buffer): number | undefined {
  return message.length >= 12 && ((message[2] as number) & 0x80) !== 0 ? message.readUInt16BE(0) : undefined;
}

const textOf = Buffer.prototype.toString;

type Records = { name: string; type: string; ttl?: number; data?: unknown }[];

/**
 * Decodes the answer to a query. Returns undefined if it answers another question. Names are returned with one character
 * per byte. Throws if the message is malformed.
 */
export function decodeReply(message: Buffer, name: string, type: QueryType): Reply | undefined {
  // The library decodes names as UTF-8, which loses bytes.
  message.toString = (_, start, end) => textOf.call(message, 'latin1', start, end);
  const { questions = [], answers, authorities, rcode } = packet.decode(message) as unknown as Decoded;
  const [question] = questions;
  if (!question || question.type !== type || !same(question.name, name)) return undefined;
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return 'failed';
  let owner = name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let aliases = 0; aliases < 16; aliases++) {
    const here = answers.filter((one) => same(one.name, owner));
    const found = here.filter((one) => one.type === type);
    const [alias] = here.filter((one) => one.type === 'CNAME');
    const used = found.length > 0 ? found : alias ? [alias] : [];
    ttl = Math.min(ttl, ...used.map((one) => one.ttl ?? 0));
    if (found.length > 0) return { data: found.map((one) => String(one.data)), ttl };
    if (!alias) break;
    owner = String(alias.data);
  }
  const soa = authorities.find((one) => one.type === 'SOA');
  if (soa) return { data: [], ttl: Math.min(ttl, soa.ttl ?? 0, (soa.data as { minimum: number }).minimum) };
  const referral = rcode === 'NOERROR' && authorities.some((one) => one.type === 'NS');
  return referral ? 'failed' : { data: [], ttl: Number.isFinite(ttl) ? ttl : 0 };
}

interface Decoded {
  questions?: { name: string; type: string }[];
  answers: Records;
  authorities: Records;
  rcode: string;
}

const same = (a: string, b: string) => a === b || a.toLowerCase() === b.toLowerCase();
