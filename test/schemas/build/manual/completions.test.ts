import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { folder } from '../../../support/process.js';
import { env, root } from '../../../support/shell.js';
import { Terminal } from '../../../support/terminal.js';

const results = ['aborted', 'denied', 'error', 'established', 'pending', 'refused', 'reset', 'timeout', 'unreachable'];

/** What is typed, and the line after completion. */
const typed: [string, string][] = [
  ['filter --resu\t', 'filter --result'],
  ['filter --result est\t', 'filter --result established'],
  ['filter --result=est\t', 'filter --result=established'],
  ['filter --result refused,tim\t', 'filter --result refused,timeout'],
  ['synpipe filter --name-s\t', 'synpipe filter --name-source'],
  ['synpipe sink-http --preset lo\t', 'synpipe sink-http --preset loki'],
  ['synpipe dem\t', 'synpipe demo'],
  ['synpipe demo --lis\t', 'synpipe demo --listen'],
  ['synpipe completion fi\t', 'synpipe completion fish'],
  ['replay sam\t', 'replay sample.ndjson'],
  ['validate --on-invalid dr\t', 'validate --on-invalid drop'],
  ['validate --on-invalid sam\t', 'validate --on-invalid sample.ndjson'],
  ['collector --report bo\t', 'collector --report both'],
  ['collector -- synpi\t', 'collector -- synpipe'],
  ['synpipe top sam\t', 'synpipe top sample.ndjson'],
  ['synpipe top -p 1 x sam\t', 'synpipe top -p 1 x sample.ndjson'],
  ['synpipe top -- synpi\t', 'synpipe top -- synpipe'],
  ['synpipe top -- cat sam\t', 'synpipe top -- cat sample.ndjson'],
  ['aggregate --by comm,dpo\t', 'aggregate --by comm,dport'],
  ['filter --dport postgr\t', 'filter --dport postgresql'],
  ['filter --not-uid root,nobo\t', 'filter --not-uid root,nobody'],
  ['collector -u nobo\t', 'collector -u nobody'],
];

/** Starts an interactive shell in a folder with one file, with completions loaded as the README says. */
async function interactive(t: TestContext, command: string, setup: string): Promise<Terminal> {
  const dir = folder(t);
  writeFileSync(join(dir, 'sample.ndjson'), '');
  const terminal = new Terminal(t, ['env', '-C', dir, 'sh', '-c', `exec ${command} <&1 2>&1`], 200, 40);
  terminal.type(`${setup}; PS1='ready> '\n`);
  await terminal.shows('a prompt', (lines) => lines.at(-1) === 'ready>');
  return terminal;
}

for (const [name, command, setup] of [
  ['bash', 'bash --norc --noprofile -i', 'source <(synpipe completion bash)'],
  ['zsh', 'zsh -f -i', 'autoload -U compinit; compinit -u -D; unsetopt PROMPT_SP; source <(synpipe completion zsh)'],
] as const) {
  test(`${name} completes commands, options, values, lists, and paths`, async (t) => {
    const terminal = await interactive(t, command, setup);
    for (const [keys, wanted] of typed) {
      terminal.type(keys);
      await terminal.shows(
        `${JSON.stringify(keys)} completed`,
        (lines) => lines.at(-1)?.replace(/[=,]$/, '') === `ready> ${wanted}`, // zsh writes --option=
      );
      terminal.type('\x15'); // clears the line
      await terminal.shows('a prompt', (lines) => lines.at(-1) === 'ready>');
    }
    terminal.type('exit\n');
    await terminal.ended;
  });
}

test('fish completes commands, options, values, lists, and paths', (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'sample.ndjson'), '');
  const offers = (line: string) => {
    const script = 'synpipe completion fish | source; complete -C $argv[1]';
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script, line], {
      ...{ cwd: dir, encoding: 'utf8' as const, env: { ...env, HOME: dir } },
    });
    assert.equal(stderr, '');
    return stdout.split('\n').flatMap((one) => (one === '' ? [] : [one.split('\t')[0] as string]));
  };
  for (const [keys, wanted] of typed) {
    const line = keys.trimEnd();
    const last = wanted.slice(line.lastIndexOf(' ') + 1);
    assert.ok(offers(line).includes(last), `${line}: ${offers(line)}`);
  }
  assert.deepEqual(offers('filter --result ').sort(), results);
  assert.deepEqual(
    offers('filter --result refused,').sort(),
    results.filter((one) => one !== 'refused').map((one) => `refused,${one}`),
  );
});

test('bash and zsh offer all values of a set', async (t) => {
  const bash = `source ${root}dist/completions/synpipe.bash; COMP_WORDS=(filter --result '') COMP_CWORD=2; _synpipe; printf '%s\\n' "\${COMPREPLY[@]}"`;
  assert.deepEqual(spawnSync('bash', ['-c', bash], { encoding: 'utf8' }).stdout.trim().split('\n').sort(), results);
  const terminal = await interactive(
    t,
    'zsh -f -i',
    'autoload -U compinit; compinit -u -D; unsetopt PROMPT_SP; source <(synpipe completion zsh)',
  );
  terminal.type('collector --tier \t');
  await terminal.shows('the tiers', (lines) =>
    ['fentry', 'kprobe', 'tracepoint'].every((one) => lines.some((line) => line.includes(one))),
  );
});
