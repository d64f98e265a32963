import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Serving {
  /** An existing folder for what it keeps: of one server, which may be started there again. */
  dir: string;
  /** `127.0.0.1@53`. */
  listen: readonly string[];
  /** Each zone's records, in the form of zone files. One without any has no file: SERVFAIL. */
  zones: Readonly<Record<string, string>>;
}

/** An authoritative DNS server, Knot: its command line. Its answers by UDP are up to 4096 bytes long, its errors in `dir`/log. */
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
