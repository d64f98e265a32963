import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Serving {
  /** An existing folder for the files of one server, which may be restarted in it. */
  dir: string;
  /** `127.0.0.1@53`. */
  listen: readonly string[];
  /** Each zone's records, as in a zone file. An empty zone has no file and fails with SERVFAIL. */
  zones: Readonly<Record<string, string>>;
}

/** The command line of Knot, an authoritative DNS server. UDP answers have up to 4096 bytes; errors go to `dir`/log. */
export function knotd({ dir, listen, zones }: Serving): string[] {
  const listed = Object.entries(zones).map(([domain, text], i) => {
    const file = join(dir, `${i}.zone`);
    if (text) writeFileSync(file, text);
    return `  - domain: ${domain}
    file: "${file}"
    semantic-checks: off
    journal-content: none
`;
  });
  mkdirSync(join(dir, 'run'), { recursive: true });
  writeFileSync(
    join(dir, 'knot.conf'),
    `server:
  listen: [ ${listen.join(', ')} ]
  rundir: "${dir}/run"
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  udp-max-payload: 4096
database:
  storage: "${dir}/run"
log:
  - target: "${dir}/log"
    any: error
zone:
${listed.join('')}`,
  );
  return ['/usr/sbin/knotd', '-c', join(dir, 'knot.conf')];
}
