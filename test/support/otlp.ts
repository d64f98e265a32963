import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';

/** Messages as OpenTelemetry's own generator made them of its proto files. */
interface Message {
  fromObject(object: object): object;
  verify(message: object): string | null;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  toObject(message: object, how: { longs: typeof String }): object;
}

const require = createRequire(import.meta.url);
const { opentelemetry } = require('@opentelemetry/otlp-transformer/build/src/generated/root.js');
const request: Message = opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;

/** What is wrong with the JSON of a request to /v1/logs; undefined where each member of it is one of the messages'. */
export function wrongInLogs(body: string): string | undefined {
  const given = JSON.parse(body);
  let message: object;
  try {
    message = request.fromObject(given);
  } catch (error) {
    return (error as Error).message;
  }
  const wrong = request.verify(message);
  if (wrong) return wrong;
  const decoded = request.toObject(request.decode(request.encode(message).finish()), { longs: String });
  return isDeepStrictEqual(JSON.parse(JSON.stringify(decoded)), given) ? undefined : 'not all of it is in the messages';
}
