import { type Convert, inLookups, integer, ip, type Table, text, version, without } from '../to-ecs/mapping.js';

/** A name that does not come from a reverse look-up. The conventions do not accept reverse names as server.address. */
const forwardName: Convert = (value, event) =>
  (event as { name_source?: string }).name_source === 'ptr' ? undefined : text(value, event);

const forwardNameInAttempts: Convert = (value, event) =>
  event.events === 'dns' ? undefined : forwardName(value, event);

/** Fields that both attempts and look-ups have. */
const common: Table = {
  ts: { timeUnixNano: nanoseconds },
  pid: { 'process.pid': integer },
  nspid: { 'process.vpid': integer },
  uid: { 'process.real_user.id': integer },
  comm: { 'thread.name': text },
  exe: { 'process.executable.path': text },
  error: { 'error.type': text },
};

const attempt: Table = {
  ...common,
  ppid: { 'process.parent_pid': integer },
  family: { 'network.type': version },
  saddr: { 'network.local.address': ip },
  sport: { 'network.local.port': integer },
  daddr: { 'network.peer.address': ip },
  dport: { 'network.peer.port': integer, 'server.port': integer },
  name: { 'server.address': forwardName },
  user: { 'process.real_user.name': text },
  container: { 'container.id': text },
  container_name: { 'container.name': text },
  image: { 'container.image.name': text },
  runtime: { 'container.runtime.name': text },
  pod: { 'k8s.pod.uid': text },
  pod_name: { 'k8s.pod.name': text },
  pod_namespace: { 'k8s.namespace.name': text },
  host: { 'host.name': text },
};

/** The OpenTelemetry attributes for the fields of each event type. `timeUnixNano` is a field of the record instead. */
export const otelFields: Readonly<Record<string, Table>> = {
  connect: attempt,
  outcome: attempt,
  pending: attempt,
  closed: attempt,
  open: attempt,
  dns: {
    ...common,
    name: { 'dns.question.name': text },
    addrs: { 'dns.answers': (value) => value },
    server: { 'network.peer.address': ip },
    transport: { 'network.transport': text },
  },
  summary: {
    ...attempt,
    dest: { 'server.address': without('name', text) },
    name: { 'server.address': forwardNameInAttempts, 'dns.question.name': inLookups },
    server: { 'network.peer.address': without('daddr', ip) },
  },
  lost: { ts: { timeUnixNano: nanoseconds } },
  status: { ts: { timeUnixNano: nanoseconds } },
};

/** Times are 64 bit integers in Protocol Buffers: this is the first value that does not fit. */
const limit = 2n ** 64n;

/**
 * Converts a time (RFC 3339, UTC, microseconds) to nanoseconds since 1970, as text. Returns undefined for times before 1970
 * and from 2554 on.
 */
export function nanoseconds(ts: unknown): string | undefined {
  const [, seconds, fraction = ''] = /^(.{19})\.(\d{6})Z$/.exec(String(ts)) ?? [];
  const ms = Date.parse(`${seconds}Z`);
  if (!(ms >= 0)) return undefined;
  const time = BigInt(ms) * 1_000_000n + BigInt(fraction) * 1000n;
  return time < limit ? String(time) : undefined;
}
