import { isIP } from 'node:net';
import type { AnyEvent } from '../../schemas/pipe/line/line.js';

type Fields = Record<string, unknown>;

/** What an event is, as ECS says it: what is not in one of its fields. */
export function about(event: AnyEvent): Fields {
  const said = { 'event.module': 'synpipe', 'event.dataset': `synpipe.${event.type}`, 'agent.type': 'synpipe' };
  return { message: sentence(event), ...said, ...(kinds[event.type] as (event: Fields) => Fields)(event) };
}

/** An event in a few words, for people. */
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
  return `${who}${to}${port}: ${event.result ?? event.error ?? 'attempted'}`;
}

/** What came of a look-up. */
function answer({ name, qtype, addrs, error, search }: Fields): string {
  if (error !== undefined) return `${name} does not resolve: ${error}${search ? ' (search list)' : ''}`;
  return Array.isArray(addrs)
    ? `${name} is ${addrs.join(', ')}`
    : `${name} has no ${qtype === undefined ? 'addresses' : `${qtype} records`}`;
}

/** Whether an attempt or a look-up worked; undefined if that is not known, or does not matter. */
export function worked({ type, result, error, search, failed }: Fields): boolean | undefined {
  if (type === 'outcome') return result === 'established';
  if (type === 'dns') return search === true ? undefined : error === undefined;
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
  // It has not ended, so ECS has no event.end and no event.duration for it.
  pending: (event) => attempt(event, ['connection', 'info'], 'connection_pending'),
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
  summary: (event) => ({ ...kind('metric', ['network'], ['connection', 'info'], 'summary'), ...parties(event) }),
  lost: (event) => ({ ...kind('pipeline_error', [], ['error'], 'lost'), 'error.message': sentence(event) }),
  status: ({ phase }) => kind('state', [], ['info'], `status_${phase}`),
};

function kind(kind: string, category: string[], type: string[], action: string): Fields {
  const categories = category.length > 0 && { 'event.category': category };
  return { 'event.kind': kind, ...categories, 'event.type': type, 'event.action': action };
}

function outcome(event: Fields): string {
  const done = worked(event);
  return done === undefined ? 'unknown' : done ? 'success' : 'failure';
}

function attempt(event: Fields, type: string[], action: string): Fields {
  return {
    ...kind('event', ['network'], type, action),
    'event.outcome': outcome(event),
    'network.transport': 'tcp',
    'network.direction': 'egress',
    ...(event.pcomm === undefined && event.comm !== undefined && { 'process.name': event.comm }),
    ...parties(event),
  };
}

/** Who takes part, for searches that do not care which of them is what. */
function parties({ saddr, daddr, icmp_from, name, names = [], saddr_name, host, user, pod, pod_name }: Fields): Fields {
  const all = {
    'related.ip': different(saddr, daddr, icmp_from).filter((address) => isIP(address) > 0),
    'related.hosts': different(name, ...(names as string[]), saddr_name, host),
    'related.user': different(user),
  };
  const orchestrator = { 'orchestrator.type': 'kubernetes', 'orchestrator.resource.type': 'pod' };
  const some = Object.entries(all).filter(([, values]) => values.length > 0);
  return { ...Object.fromEntries(some), ...((pod ?? pod_name) !== undefined && orchestrator) };
}

const different = (...values: unknown[]) =>
  [...new Set(values.filter((value) => typeof value === 'string'))] as string[];

/** The records of an answer: the aliases one by one, and the addresses of the last. */
function answers(name: string, cnames: string[], addrs: string[]): Fields[] {
  const chain = [name, ...cnames];
  return [
    ...cnames.map((data, at) => ({ name: chain[at], type: 'CNAME', data })),
    ...addrs.map((data) => ({ name: chain.at(-1), type: isIP(data) === 6 ? 'AAAA' : 'A', data })),
  ];
}

/** When it started and ended, from its end and how long it took; nothing if the start is before 1970. */
function span(ts: string, us: number): Fields {
  const [, seconds, fraction] = /^(.{19})\.(\d{6})Z$/.exec(ts) as unknown as [string, string, string];
  const end = Date.parse(`${seconds}Z`) * 1000 + Number(fraction);
  const start = end - us;
  if (!Number.isSafeInteger(end) || start < 0) return {};
  const ms = new Date(Math.floor(start / 1000)).toISOString();
  return { 'event.start': `${ms.slice(0, -1)}${String(start % 1000).padStart(3, '0')}Z`, 'event.end': ts };
}
