import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { enrich } from '../../../transforms/enrich.js';
import { connect, ndjson } from '../../support/events.js';
import { runStage } from '../../support/memory.js';
import { mmdb } from '../../support/mmdb.js';
import { folder, start, until } from '../../support/process.js';

test("MaxMind databases give country, city, asn and as_org; the operator's own map takes precedence", async (t) => {
  const dir = folder(t);
  const [city, asn, map] = ['city.mmdb', 'asn.mmdb', 'map.csv'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(
    city,
    mmdb({
      '192.0.2.0/25': { country: { iso_code: 'DE' }, city: { names: { en: 'Köln', de: 'Köln' } } },
      '2001:db8::/32': { country: { iso_code: 'SE' } },
    }),
  );
  writeFileSync(
    asn,
    mmdb({ '192.0.2.0/24': { autonomous_system_number: 64496, autonomous_system_organization: 'Example "Net"' } }),
  );
  writeFileSync(map, 'cidr,country\n192.0.2.9/32,home\n');
  const events = ['192.0.2.7', '192.0.2.200', '2001:db8::7', '198.51.100.1', '192.0.2.9'].map((daddr) =>
    connect({ daddr, family: daddr.includes(':') ? 6 : 4 }),
  );
  const stage = enrich({ offline: true, with: 'service', etc: dir, mmdb: [city, asn], map });
  const { out } = await runStage(stage, [Buffer.from(ndjson(...events))]);
  const pick = ({ country, city, asn, as_org }: Record<string, unknown>) => [country, city, asn, as_org];
  assert.deepEqual(
    out
      .trimEnd()
      .split('\n')
      .map((line) => pick(JSON.parse(line))),
    [
      ['DE', 'Köln', 64496, 'Example "Net"'],
      [undefined, undefined, 64496, 'Example "Net"'],
      ['SE', undefined, undefined, undefined],
      [undefined, undefined, undefined, undefined],
      ['home', 'Köln', 64496, 'Example "Net"'],
    ],
  );
});

test('SIGHUP reads a map again; a bad one is reported, and the last good one stays', async (t) => {
  const dir = folder(t);
  const write = (text: string) => {
    writeFileSync(join(dir, 'new'), text);
    renameSync(join(dir, 'new'), join(dir, 'map.csv'));
  };
  write('cidr,team\n192.0.2.0/24,one\n');
  const { child, ended } = start(t, ['enrich', '--offline', '--with', 'service', '--map', 'map.csv'], dir);
  let out = '';
  let said = '';
  child.stdout?.on('data', (bytes) => {
    out += bytes;
  });
  child.stderr?.on('data', (text) => {
    said += text;
  });
  let sent = 0;
  const team = async () => {
    child.stdin?.write(ndjson(connect({ seq: ++sent })));
    await until('the event', () => out.split('\n').length > sent);
    return JSON.parse(out.split('\n')[sent - 1] as string).team;
  };
  assert.equal(await team(), 'one');
  write('cidr,team\n192.0.2.0/24,two\n');
  child.kill('SIGHUP');
  let now = await team();
  for (let tries = 0; tries < 1000 && now === 'one'; tries++) now = await team();
  assert.equal(now, 'two');
  write('cidr,team\n192.0.2.0/33,three\n');
  child.kill('SIGHUP');
  await until('the complaint', () => said.includes('line 2'));
  assert.equal(await team(), 'two');
  child.stdin?.end();
  const { code, stderr } = await ended;
  assert.equal(code, 0);
  assert.equal(stderr, 'enrich: map map.csv, line 2: cidr must be an address or a CIDR block, not "192.0.2.0/33"\n');
});
