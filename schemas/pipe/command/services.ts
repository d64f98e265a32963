import { readFileSync } from 'node:fs';
import { numbers } from '../../where/match.js';
import { invalidValue } from '../messages/errors.js';
import { nearest } from './nearest.js';

/** The names of common TCP ports, for machines without /etc/services. */
const common: Readonly<Record<string, number>> = {
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  dns: 53,
  http: 80,
  kerberos: 88,
  pop3: 110,
  ntp: 123,
  imap: 143,
  snmp: 161,
  bgp: 179,
  ldap: 389,
  https: 443,
  'microsoft-ds': 445,
  submissions: 465,
  syslog: 514,
  submission: 587,
  ldaps: 636,
  'domain-s': 853,
  rsync: 873,
  imaps: 993,
  pop3s: 995,
  'ms-sql-s': 1433,
  mqtt: 1883,
  nfs: 2049,
  etcd: 2379,
  zookeeper: 2181,
  mysql: 3306,
  'ms-wbt-server': 3389,
  nats: 4222,
  postgresql: 5432,
  postgres: 5432,
  amqp: 5672,
  redis: 6379,
  kubernetes: 6443,
  'http-alt': 8080,
  clickhouse: 8123,
  prometheus: 9090,
  kafka: 9092,
  elasticsearch: 9200,
  memcached: 11211,
  mongodb: 27017,
};

/** Returns the ports that services have by name: those of /etc/services, and common ones. */
function servicePorts(): ReadonlyMap<string, number> {
  const ports = new Map(Object.entries(common));
  for (const line of servicesFile().split('\n')) {
    const [, name = '', port, aliases = ''] = /^([^\s#]+)\s+(\d+)\/tcp\b([^#]*)/.exec(line) ?? [];
    for (const one of port === undefined ? [] : [name, ...aliases.trim().split(/\s+/)]) {
      if (one) ports.set(one.toLowerCase(), Number(port));
    }
  }
  return ports;
}

/** Parses an option's list of ports and ranges, by number or name. */
export const ports = numbers(0, 65535, (name) => {
  const known = servicePorts();
  const port = known.get(name.toLowerCase());
  if (port !== undefined) return port;
  const near = /^[a-z]/i.test(name) ? nearest(name.toLowerCase(), [...known.keys()]) : undefined;
  throw invalidValue(name, near ?? 'use ports from 0 to 65535, or names from /etc/services');
});

function servicesFile(): string {
  try {
    return readFileSync('/etc/services', 'utf8');
  } catch {
    return '';
  }
}
