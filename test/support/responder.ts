import { createSocket, type Socket } from 'node:dgram';
import type { TestContext } from 'node:test';
import packet from 'dns-packet';

export interface Responder {
  /** The address, for --resolver. */
  address: string;
  port: number;
  socket: Socket;
  /** How many queries arrived. */
  asked: number;
  /** Makes the answers to a query: any number of messages, as bytes. */
  reply(query: packet.DecodedPacket): Buffer[] | Promise<Buffer[]>;
}

/** A DNS server on loopback whose answers the test controls. Silent at first. */
export async function responder(t: TestContext): Promise<Responder> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  let closed = false;
  const made: Responder = { address: `127.0.0.1:${port}`, port, socket, asked: 0, reply: () => [] };
  socket.on('message', async (message, from) => {
    made.asked++;
    const answers = await made.reply(packet.decode(message));
    if (!closed) for (const bytes of answers) socket.send(bytes, from.port, from.address, () => {});
  });
  t.after(() => {
    closed = true; // an answer may still be pending
    socket.close();
  });
  return made;
}

type More = Partial<Record<'rcode' | 'id', number>> & { name?: string };

/** An answer to a query with these PTR records; without records, an empty one. */
export function answer(query: packet.DecodedPacket, names: { data: string; ttl?: number }[], more: More = {}): Buffer {
  const [question] = query.questions ?? [];
  const name = more.name ?? (question?.name as string);
  return packet.encode({
    type: 'response',
    id: more.id ?? (query.id as number),
    flags: packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | (more.rcode ?? 0),
    questions: [{ type: question?.type ?? 'PTR', name }],
    answers: names.map(({ data, ttl = 300 }) => ({ type: 'PTR' as const, name, ttl, data })),
  });
}
