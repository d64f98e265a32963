import { isIP } from 'node:net';
import type { AnyEvent } from '../../schemas/pipe/line/line.js';
import { micros, momentText } from '../../schemas/pipe/line/moment.js';
import { closingText } from '../../schemas/pipe/terminal/closing.js';
import type * as layout from './template.layout.js';

type Fields = Record<string, unknown>;

/** A text that `convert` computes from one or two fields. `op` computes the same in C (template.kernel.h). */
export interface Computed {
  op: (typeof layout.op)[number];
  of: readonly string[];
  text(...values: unknown[]): unknown;
}

/** Returns the ECS fields that describe an event and do not come from a single field of it. */
export function derivedFields(event: AnyEvent): Fields {
  const origin = { 'event.module': 'synpipe', 'event.dataset': `synpipe.${event.type}`, 'agent.type': 'synpipe' };
  return { message: sentence(event), ...origin, ...(kinds[event.type] as (event: Fields) => Fields)(event) };
}

/** Describes an event in a few words, for people. */
export function sentence(event: Fields): string {
  const { type, comm, pid, daddr, dport, count, stage, where, phase } = event;
  if (type === 'dns') return answer(event);
  if (type === 'lost') return `${count} lost in ${stage}: ${where}`;
  if (type === 'status') return `${stage}: ${phase}`;
  const to = daddr === undefined ? '' : ` to ${isIP(String(daddr)) === 6 ? `[${daddr}]` : daddr}`;
  const port = dport === undefined ? '' : `${to ? ':' : ' to port '}${dport}`;
  const by = comm === undefined ? '' : ` of ${comm}`;
  const many = count === 1 ? '' : 's';
  if (type === 'summary' && event.events === 'dns')
    return `${count} look-up${many}${by}${event.name === undefined ? '' : ` for ${event.name}`}`;
  if (type === 'summary') return `${count} attempt${many}${by}${to}${port}`;
  const who = comm === undefined ? 'an unknown process' : `${comm} (${pid})`;
  return `${who}${to}${port}: ${connectionText(event) ?? event.result ?? event.error ?? 'attempted'}`;
}

function connectionText({ type, closed_by, bytes_sent, bytes_received }: Fields): string | undefined {
  const state = type === 'closed' ? closingText(String(closed_by)) : type === 'open' ? 'open' : undefined;
  return state && `${state}, ${bytes_sent} bytes sent, ${bytes_received} received`;
}

/** Describes the result of a look-up. */
function answer({ name, qtype, addrs, error, search }: Fields): string {
  if (error !== undefined) return `${name} does not resolve: ${error}${search ? ' (search list)' : ''}`;
  return Array.isArray(addrs)
    ? `${name} is ${addrs.join(', ')}`
    : `${name} has no ${qtype === undefined ? 'addresses' : `${qtype} records`}`;
}

/** Returns whether an attempt or a look-up succeeded, or undefined if that is unknown or does not apply. */
export function succeeded({ type, result, error, search, failed }: Fields): boolean | undefined {
  if (type === 'outcome') return result === 'established';
  if (type === 'dns') return search === true ? undefined : error === undefined;
  if (type === 'closed' || type === 'open') return error === undefined;
  return error === undefined || (type === 'summary' && failed === 0) ? undefined : false;
}

const kinds: Record<string, (event: Fields) => Fields> = {
  connect: (event) => attempt(event, ['connection', 'start'], 'connection_attempted'),
  outcome: (event) => {
    const { result, ts, start, latency_us } = event;
    const type = result === 'established' ? 'start' : result === 'denied' ? 'denied' : 'end';
    return {
      ...attempt(event, ['connection', type], `connection_${result}`),
      ...(start === undefined && span(ts as string, latency_us as number)),
    };
  },
  // A pending attempt has not ended, so it gets no event.end and no event.duration.
  pending: (event) => attempt(event, ['connection', 'info'], 'connection_pending'),
  closed: (event) => connection(event, 'end', 'connection_closed'),
  open: (event) => connection(event, 'info', 'connection_open'),
  dns: (event) => {
    const { name, cnames = [], addrs = [], rcode, ts, latency_us, error, pcomm, comm } = event;
    const records = answers(name as string, cnames as string[], addrs as string[]);
    return {
      ...kind('event', ['network'], ['protocol', 'info'], error === undefined ? 'dns_answer' : 'dns_failed'),
      'event.outcome': outcome(event),
      ...(latency_us !== undefined && span(ts as string, latency_us as number)),
      'network.protocol': 'dns',
      'dns.type': records.length > 0 || rcode !== undefined ? 'answer' : 'query',
      ...(records.length > 0 && { 'dns.answers': records }),
      'related.hosts': different(name, ...(cnames as string[])),
      ...((addrs as string[]).length > 0 && { 'related.ip': different(...(addrs as string[])) }),
      ...(pcomm === undefined && comm !== undefined && { 'process.name': comm }),
    };
  },
  summary: (event) => ({ ...kind('metric', ['network'], ['connection', 'info'], 'summary'), ...related(event) }),
  lost: (event) => ({ ...kind('pipeline_error', [], ['error'], 'lost'), 'error.message': sentence(event) }),
  status: ({ phase }) => kind('state', [], ['info'], `status_${phase}`),
};

function kind(kind: string, category: string[], type: string[], action: string): Fields {
  const categories = category.length > 0 && { 'event.category': category };
  return { 'event.kind': kind, ...categories, 'event.type': type, 'event.action': action };
}

function outcome(event: Fields): string {
  const success = succeeded(event);
  return success === undefined ? 'unknown' : success ? 'success' : 'failure';
}

function attempt(event: Fields, type: string[], action: string): Fields {
  return {
    ...kind('event', ['network'], type, action),
    'event.outcome': outcome(event),
    'network.transport': 'tcp',
    'network.direction': 'egress',
    ...(event.pcomm === undefined && event.comm !== undefined && { 'process.name': event.comm }),
    ...related(event),
  };
}

function connection(event: Fields, type: string, action: string): Fields {
  const { ts, duration_us, bytes_sent, bytes_received } = event;
  const bytes = (bytes_sent as number) + (bytes_received as number);
  const start = duration_us === undefined ? {} : span(ts as string, duration_us as number);
  return {
    ...attempt(event, ['connection', type], action),
    ...('event.start' in start && { 'event.start': start['event.start'] }),
    ...(Number.isSafeInteger(bytes) && { 'network.bytes': bytes }),
  };
}

/** Returns the `related.*` fields, which list all addresses, hosts and users whatever their role. */
function related({ saddr, daddr, icmp_from, name, names = [], saddr_name, host, user, pod, pod_name }: Fields): Fields {
  const all = {
    'related.ip': different(saddr, daddr, icmp_from).filter((address) => isIP(address) > 0),
    'related.hosts': different(name, ...(names as string[]), saddr_name, host),
    'related.user': different(user),
  };
  const orchestrator = { 'orchestrator.type': 'kubernetes', 'orchestrator.resource.type': 'pod' };
  const some = Object.entries(all).filter(([, values]) => values.length > 0);
  return { ...Object.fromEntries(some), ...((pod ?? pod_name) !== undefined && orchestrator) };
}

/** The fields with texts that are listed only once in `related.hosts`. */
export const relatedTexts: readonly string[] = ['name', 'names', 'cnames', 'saddr_name', 'host'];

const different = (...values: unknown[]) =>
  [...new Set(values.filter((value) => typeof value === 'string'))] as string[];

/** Returns the records of an answer: the chain of aliases, then the addresses of the last alias. */
function answers(name: string, cnames: string[], addrs: string[]): Fields[] {
  const chain = [name, ...cnames];
  return [
    ...cnames.map((data, at) => ({ name: chain[at], type: 'CNAME', data })),
    ...addrs.map((data) => ({ name: chain.at(-1), type: isIP(data) === 6 ? 'AAAA' : 'A', data })),
  ];
}

/** Returns event.start and event.end, given the end and the duration, or nothing if the start is before 1970. */
function span(ts: string, us: number): Fields {
  const end = micros(ts);
  const start = end - us;
  if (!Number.isSafeInteger(end) || start < 0) return {};
  return { 'event.start': momentText(start), 'event.end': ts };
}

const start = (ts: unknown, us: unknown) => span(ts as string, us as number)['event.start'];

/** The texts that are computed from fields. */
export const computed: readonly Computed[] = [
  { op: 'start', of: ['ts', 'latency_us'], text: start },
  { op: 'start', of: ['ts', 'duration_us'], text: start },
  {
    op: 'sum',
    of: ['bytes_sent', 'bytes_received'],
    text: (sent, received) => (sent as number) + (received as number),
  },
];
