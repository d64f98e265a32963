import { digits, integer, ip, ips, lower, nanoseconds, type Table, text, version } from './places.js';

/** The ECS that this is. */
export const ecsVersion = '9.4.0';

const attempt: Table = {
  ts: { '@timestamp': text },
  seq: { 'event.sequence': integer },
  pid: { 'process.pid': integer },
  tid: { 'process.thread.id': integer },
  ppid: { 'process.parent.pid': integer },
  uid: { 'user.id': digits },
  gid: { 'user.group.id': digits },
  comm: { 'process.thread.name': text },
  pcomm: { 'process.name': text },
  exe: { 'process.executable': text },
  family: { 'network.type': version },
  saddr: { 'source.ip': ip, 'source.address': text },
  sport: { 'source.port': integer },
  daddr: { 'destination.ip': ip, 'destination.address': text },
  dport: { 'destination.port': integer },
  error: { 'error.code': text },
  latency_us: { 'event.duration': nanoseconds },
  name: { 'destination.domain': text },
  saddr_name: { 'source.domain': text },
  service: { 'network.application': lower },
  user: { 'user.name': text },
  group: { 'user.group.name': text },
  container: { 'container.id': text },
  runtime: { 'container.runtime': text },
  pod: { 'orchestrator.resource.id': text },
  host: { 'host.name': text },
  country: { 'destination.geo.country_iso_code': text },
  city: { 'destination.geo.city_name': text },
  asn: { 'destination.as.number': integer },
  as_org: { 'destination.as.organization.name': text },
};

/** Where the fields of each type of event go in the Elastic Common Schema. */
export const ecsFields: Readonly<Record<string, Table>> = {
  connect: attempt,
  outcome: { ...attempt, ts: { '@timestamp': text, 'event.end': text }, start: { 'event.start': text } },
  pending: { ...attempt, start: { 'event.start': text } },
  dns: {
    ts: { '@timestamp': text },
    seq: { 'event.sequence': integer },
    name: { 'dns.question.name': text },
    addrs: { 'dns.resolved_ip': ips },
    latency_us: { 'event.duration': nanoseconds },
    server: { 'server.ip': ip, 'server.address': text },
    transport: { 'network.transport': text },
  },
  summary: { ...attempt, ts: { '@timestamp': text, 'event.start': text }, end: { 'event.end': text } },
  lost: { ts: { '@timestamp': text } },
  status: { ts: { '@timestamp': text }, version: { 'agent.version': text }, kernel: { 'host.os.kernel': text } },
};
