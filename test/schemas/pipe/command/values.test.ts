/** Every option of every command takes the spellings of its value's type, and refuses the same others. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import type { Command } from '../../../../schemas/pipe/command/command.js';
import { help } from '../../../../schemas/pipe/command/help.js';
import { optionsOf } from '../../../../schemas/pipe/command/main.js';
import type { Option, Options } from '../../../../schemas/pipe/command/options.js';
import { valueSyntax } from '../../../../schemas/pipe/command/values.js';
import { UsageError } from '../../../../schemas/pipe/messages/errors.js';
import { root } from '../../../support/shell.js';

const commands: Command<Options>[] = [];
/** They pass options on to the collector. */
const passing = ['synpipe top', 'synpipe why'];
for (const folder of ['collector', 'transforms', 'sinks']) {
  for (const file of readdirSync(`${root}${folder}`).filter((name) => name.endsWith('.ts'))) {
    const { command } = await import(`${root}${folder}/${file}`);
    if (command && !passing.includes(command.name)) commands.push(command);
  }
}
const options = commands.flatMap((command) =>
  Object.entries(optionsOf(command)).map(([name, option]): [string, Option] => [`${command.name} --${name}`, option]),
);

/** By type: spellings that every option of the type takes, and others that every one refuses. */
const spellings: Record<string, { accepts: string[]; refuses: string[] }> = {
  TIME: {
    accepts: ['5', '5s', '5000ms', '5000000us', '4s1000ms', '5.0s'],
    refuses: ['', '-1s', '5 s', '5w', 's', '1e3', '5s1'],
  },
  SIZE: {
    accepts: ['65536', '64K', '64k', '64KiB', '64kb', '1M', '1mib'],
    refuses: ['', '0', '-1', '1.5M', 'M', '64 K', '1e6', '64X'],
  },
  PORTS: {
    accepts: ['443', 'https', '443,8000-8100', 'https, ssh', 'HTTPS'],
    refuses: ['', '65536', '9-1', 'no-such-service', '443,', '-1'],
  },
  USERS: { accepts: ['0', 'root', 'root,0', 'root, 0'], refuses: ['', 'no-such-user', '4294967296', 'root,'] },
  GROUP: { accepts: ['0', 'root'], refuses: ['', 'no-such-group', '4294967296'] },
  ADDRS: {
    accepts: ['10.0.0.1', '10.0.0.0/8,::1', '::1, fd00::/7'],
    refuses: ['', '10.0.0', '10.0.0.0/33', 'host', '::1,'],
  },
  NAMES: { accepts: ['curl', 'curl,node', 'kube*,node', '/^a,b$/,c', '[ab]*', 'a\\,b'], refuses: ['/(/', 'curl,/[/'] },
  NETNS: {
    accepts: ['4026531840', '4026531840,4026531841', String(process.pid), '/proc/self/ns/net'],
    refuses: ['', 'no-such-namespace', '/etc/passwd', '/proc/self/ns/absent', '4294967296'],
  },
  PIDS: { accepts: ['1', '1,1'], refuses: ['', 'x', '-1', '4294967296', '1,'] },
};

test('options of every type of value take the same spellings', () => {
  const used = new Set<string>();
  for (const [name, { value = '', parse }] of options) {
    const type = Object.hasOwn(spellings, value) ? spellings[value] : undefined;
    if (!type) continue;
    used.add(value);
    assert.ok(parse, `${name} has no parser`);
    for (const text of type.accepts) assert.doesNotThrow(() => parse(text), `${name} ${JSON.stringify(text)}`);
    for (const text of type.refuses) assert.throws(() => parse(text), UsageError, `${name} ${JSON.stringify(text)}`);
  }
  assert.deepEqual([...used].sort(), Object.keys(valueSyntax).sort());
});

test('spellings of one value mean the same everywhere', () => {
  const values = (type: string, text: string) =>
    options.filter(([, { value }]) => value === type).map(([, { parse }]) => parse?.(text));
  assert.deepEqual(values('SIZE', '64KiB'), values('SIZE', '65536'));
  assert.deepEqual(values('SIZE', '1m'), values('SIZE', '1048576'));
  const numbers = (text: string) => values('TIME', text).filter((one) => typeof one === 'number');
  assert.ok(numbers('5').length > 10);
  for (const text of ['5s', '5000ms', '4s1000ms']) assert.deepEqual(numbers(text), numbers('5'));
});

test('the syntax of the values that a command takes is in its help', () => {
  for (const command of commands) {
    const all = optionsOf(command);
    const text = help(command, all).replace(/\s+/g, ' ');
    for (const [name, syntax] of Object.entries(valueSyntax)) {
      const takes = Object.values(all).some(({ value }) => value === name);
      assert.equal(text.includes(`${name} is ${syntax}`), takes, `${command.name}: ${name}`);
    }
  }
});
