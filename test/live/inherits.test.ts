import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { bin } from './collect.js';
import { fresh } from './folder.js';
import { live } from './live.js';

/** Records what a process inherits. Descriptor 1 is left out: the collector's is for events. */
const dump = `
import json, os, sys
def status(name): return next(line for line in open('/proc/self/status') if line.startswith(name + ':'))
fds = {}
for fd in sorted(map(int, os.listdir('/proc/self/fd'))):
    try: fds[fd] = (os.readlink(f'/proc/self/fd/{fd}'), [l for l in open(f'/proc/self/fdinfo/{fd}') if l.startswith('flags')])
    except OSError: pass
del fds[1]
environ = sorted(part.decode() for part in open('/proc/self/environ', 'rb').read().split(b'\\0'))
same = [status(name) for name in ('Umask', 'SigBlk', 'Cpus_allowed')]
json.dump([environ, fds, same, open('/proc/self/limits').read(), os.getcwd(), os.nice(0)], open(sys.argv[1], 'w'), indent=1)
`;

live("the command gets the caller's environment, descriptors and limits", async (net) => {
  const [program, direct, traced, file] = [fresh('dump.py'), fresh('direct'), fresh('traced'), fresh('file')];
  writeFileSync(program, dump);
  const setup = `ulimit -S -n 777; ulimit -c 0; umask 027; cd /
    export NODE_OPTIONS=--no-warnings NODE_NO_WARNINGS=1 EMPTY= LINES=$'a\\nb'
    exec 3<${program} 5>${file} 6<>${file} 9>>${file} 10</dev/null 11< <(echo piped) 16<${program} 17<${program} 251</dev/null`;
  const script = `${setup}
    python3 ${program} ${direct}
    ${bin}collector -- python3 ${program} ${traced} </dev/null >/dev/null
    ${bin}collector -- cat /dev/fd/11 >/dev/null
    exec 4</dev/null 7</dev/null 8</dev/null
    ${bin}collector -- sh -c 'for fd in 3 4 5 6 7 8; do [ -e /dev/fd/$fd ] || exit 9; done; echo all'`;
  const child = net.spawn(['bash', '-c', script.replace(`${direct}\n`, `${direct} </dev/null\n`)], 'pipe');
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.deepEqual([code, stderr], [0, 'piped\nall\n']);
  assert.deepEqual(JSON.parse(readFileSync(traced, 'utf8')), JSON.parse(readFileSync(direct, 'utf8')));
});
