import assert from 'node:assert/strict';
import type { Case } from './cases.js';
import type { Result } from './shell.js';

/** Fails, with all that helps to see why, unless a case's result is the wanted one. `how`: how the input was fed */
export function compare(one: Case, how: string, got: Result & { check?: Result }, wanted: Result): void {
  const { check, ...result } = got;
  const message = `${one.name}, ${how}\nfile: ${one.path}\ncmd: ${one.cmd}\n${show('', result)}`;
  if (check)
    assert.equal(check.code, 0, `${message}--- check ended with ${check.code}\n${check.stdout}${check.stderr}`);
  const { stdout, stderr, code } = wanted;
  if (result.stdout === stdout && result.stderr === stderr && result.code === code) return;
  const differences = (['stdout', 'stderr'] as const).map((name) => firstDifference(name, result[name], wanted[name]));
  throw new assert.AssertionError({
    message: message + show('wanted ', wanted) + differences.join(''),
    actual: result,
    expected: wanted,
  });
}

function firstDifference(name: string, got: string, wanted: string): string {
  if (got === wanted) return '';
  const [gotLines, wantedLines] = [got.split('\n'), wanted.split('\n')];
  const at = gotLines.findIndex((line, index) => line !== wantedLines[index]);
  const index = at === -1 ? gotLines.length : at;
  const line = (lines: string[]) => excerpt(lines[index] ?? '(nothing)');
  return `--- ${name} differs first at line ${index + 1}\n- ${line(wantedLines)}\n+ ${line(gotLines)}\n`;
}

function show(which: string, { stdout, stderr, code }: Result): string {
  return `--- ${which}stdout\n${excerpt(stdout)}--- ${which}stderr\n${excerpt(stderr)}--- ${which}code ${code}\n`;
}

function excerpt(text: string): string {
  return text.length > 10_000 ? `${text.slice(0, 10_000)}… (${text.length} characters)\n` : text;
}
