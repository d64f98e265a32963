/** What C and TypeScript share: both must find the same values at the same places. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { header } from '../../../schemas/compile/layout.js';
import { type Member, Struct, typeAndCount } from '../../../schemas/pipe/scan/layout.js';
import { instances, newMemory } from '../../../schemas/pipe/scan/webassembly.js';
import { root } from '../../support/shell.js';

/** Compiles C to WebAssembly. Returns the module, or the compiler's messages. */
function compile(source: string): Buffer | string {
  const folder = mkdtempSync(join(tmpdir(), 'layout-'));
  try {
    writeFileSync(join(folder, 'a.c'), source);
    const flags = ['--target=wasm32', '-nostdlib', '-Wl,--no-entry', '-Wl,--import-memory', '-Wl,--export-all'];
    const { status, stderr } = spawnSync('clang', [...flags, 'a.c', '-o', 'a.wasm'], { cwd: folder, encoding: 'utf8' });
    return status === 0 ? readFileSync(join(folder, 'a.wasm')) : stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const types = { u8: Uint8Array, i32: Int32Array, u32: Uint32Array, f64: Float64Array, pointer: Uint32Array };
const place = 1 << 16;
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** The members whose values are numbers, with the index of the last value. */
const numbersOf = (type: Struct) =>
  Object.entries<Member>(type.members).flatMap(([name, member]) => {
    const [of, count] = typeAndCount(member);
    return of instanceof Struct ? [] : [{ name, of, last: Math.max(count, 1) - 1, isArray: Array.isArray(member) }];
  });

const files = ['schemas', 'transforms', 'sinks'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.layout.ts'))
    .map((file) => join(root, folder, file)),
);

for (const file of files) {
  const name = basename(file, '.layout.ts');
  test(`C and TypeScript agree about ${name}.layout.ts`, async () => {
    const exports: Record<string, unknown> = await import(file);
    const made = header(name, exports);
    assert.equal(readFileSync(join(root, `schemas/generated/${name}.layout.h`), 'utf8'), made, 'run make');
    const structs = Object.entries(exports).filter((one): one is [string, Struct] => one[1] instanceof Struct);
    assert.ok(structs.length > 0);
    const writers = structs.map(([exported, type], n) => {
      const lines = numbersOf(type).map(({ name, of, last, isArray }, i) => {
        const value = of === 'pointer' ? `(const unsigned char *)${n + i + 1}` : n + i + 1;
        return `s->${snake(name)}${isArray ? `[${last}]` : ''} = ${value};`;
      });
      return `void write${n}(struct ${snake(exported)} *s) { ${lines.join(' ')} }\n`;
    });
    const code = compile(made + writers.join(''));
    assert.ok(typeof code === 'object', String(code));
    const memory = newMemory(64, 64);
    const functions = instances<Record<string, (place: number) => void>>(code.toString('base64'))(memory);
    for (const [n, [exported, type]] of structs.entries()) {
      functions[`write${n}`]?.(place);
      const own = new DataView(new ArrayBuffer(memory.buffer.byteLength));
      for (const [i, { name, of, last }] of numbersOf(type).entries()) {
        const values = new types[of](memory.buffer, place);
        assert.equal(values[(type.at[name] as number) + last], n + i + 1, `${exported}.${name}`);
        type.write(own, place, { [name]: [...new Array(last).fill(0), n + i + 1] });
        const written = new types[of](own.buffer, place);
        assert.equal(written[(type.at[name] as number) + last], n + i + 1, `${exported}.${name}, written`);
      }
    }
  });
}

test('members are aligned as in C, and structs may contain structs', () => {
  const inner = new Struct({ a: 'u8', b: 'f64', c: ['u8', 3] });
  const outer = new Struct({ first: 'u8', many: [inner, 2], rest: ['i32', 0] });
  assert.deepEqual([inner.at, inner.bytes], [{ a: 0, b: 1, c: 16 }, 24]);
  assert.deepEqual([outer.at, outer.bytes], [{ first: 0, many: 8, rest: 14 }, 56]);
  assert.equal(typeof compile(header('good', { outer, inner })), 'object');
});

test('the C compiler refuses a layout that is not its own', () => {
  const wrong = new Struct({ a: 'u8', b: 'i32' });
  assert.match(String(compile(header('wrong', { wrong }).replace('int b;', 'int more, b;'))), /static_assert failed/);
  assert.match(String(compile(header('wrong', { wrong }).replace('int b;', 'short b;'))), /static_assert failed/);
});
