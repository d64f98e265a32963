import {
  digits,
  inAttempts,
  inLookups,
  integer,
  ip,
  ips,
  lower,
  nanoseconds,
  type Table,
  text,
  version,
  without,
} from './mapping.js';

/** The version of ECS that events are converted to. */
export const ecsVersion = '9.4.0';

/** Fields that both attempts and look-ups have. */
const common: Table = {
  ts: { '@timestamp': text },
  seq: { 'event.sequence': integer },
  pid: { 'process.pid': integer },
  nspid: { 'process.vpid': integer },
  tid: { 'process.thread.id': integer },
  uid: { 'user.id': digits },
  comm: { 'process.thread.name': text },
  pcomm: { 'process.name': text },
  exe: { 'process.executable': text },
  error: { 'error.code': text },
  latency_us: { 'event.duration': nanoseconds },
};

const attempt: Table = {
  ...common,
  ppid: { 'process.parent.pid': integer },
  gid: { 'user.group.id': digits },
  family: { 'network.type': version },
  saddr: { 'source.ip': ip, 'source.address': text },
  sport: { 'source.port': integer },
  daddr: { 'destination.ip': ip, 'destination.address': text },
  dport: { 'destination.port': integer },
  name: { 'destination.domain': text },
  saddr_name: { 'source.domain': text },
  service: { 'network.application': lower },
  user: { 'user.name': text },
  group: { 'user.group.name': text },
  container: { 'container.id': text },
  container_name: { 'container.name': text },
  image: { 'container.image.name': text },
  runtime: { 'container.runtime': text },
  pod: { 'orchestrator.resource.id': text },
  pod_name: { 'orchestrator.resource.name': text },
  pod_namespace: { 'orchestrator.namespace': text },
  host: { 'host.name': text },
  country: { 'destination.geo.country_iso_code': text },
  city: { 'destination.geo.city_name': text },
  asn: { 'destination.as.number': integer },
  as_org: { 'destination.as.organization.name': text },
};

const lookup: Table = {
  qtype: { 'dns.question.type': text },
  rcode: { 'dns.response_code': text },
  server: { 'server.ip': ip, 'server.address': text },
};

const { latency_us: _, ...established } = attempt; // event.duration is that of the connection

const connection: Table = {
  ...established,
  duration_us: { 'event.duration': nanoseconds },
  bytes_sent: { 'source.bytes': integer },
  bytes_received: { 'destination.bytes': integer },
};

/** The ECS fields for the fields of each event type. */
export const ecsFields: Readonly<Record<string, Table>> = {
  connect: attempt,
  outcome: { ...attempt, ts: { '@timestamp': text, 'event.end': text }, start: { 'event.start': text } },
  pending: { ...attempt, start: { 'event.start': text } },
  closed: { ...connection, ts: { '@timestamp': text, 'event.end': text } },
  open: connection,
  dns: {
    ...common,
    ...lookup,
    name: { 'dns.question.name': text },
    addrs: { 'dns.resolved_ip': ips },
    transport: { 'network.transport': text },
  },
  summary: {
    ...attempt,
    ...lookup,
    ts: { '@timestamp': text, 'event.start': text },
    end: { 'event.end': text },
    dest: { 'destination.address': without('daddr', text) },
    name: { 'destination.domain': inAttempts, 'dns.question.name': inLookups },
  },
  lost: { ts: { '@timestamp': text } },
  status: { ts: { '@timestamp': text }, version: { 'agent.version': text }, kernel: { 'host.os.kernel': text } },
};
