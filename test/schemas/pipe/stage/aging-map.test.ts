import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { AgingMap } from '../../../../schemas/pipe/stage/aging-map.js';

const step = fc.record({ what: fc.constantFrom('set', 'set', 'delete', 'end', 'oldest', 'clear'), key: fc.nat(8) });

test('AgingMap has the same oldest entry as a plain Map', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const [map, model] = [new AgingMap<number, number>(), new Map<number, number>()];
      for (const [i, { what, key }] of steps.entries()) {
        if (what === 'clear' && i % 7 > 0) continue;
        for (const one of [map, model]) {
          if (what === 'set') one.set(key, i);
          else if (what === 'delete') one.delete(key);
          else if (what === 'clear') one.clear();
        }
        if (what === 'end') map.delete(map.oldest as number);
        if (what === 'end') model.delete(model.keys().next().value as number);
        if (what === 'oldest') assert.equal(map.oldest, model.keys().next().value);
        assert.deepEqual([...map], [...model]);
      }
      assert.equal(map.oldest, model.keys().next().value);
    }),
  );
});

test('an AgingMap of few entries stays small, however many have come and gone', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    return getHeapStatistics().used_heap_size;
  };
  const map = new AgingMap<string, number>();
  map.set('stays', 0);
  assert.equal(map.oldest, 'stays');
  const pass = (count: number) => {
    for (let i = 0; i < count; i++) {
      map.set(`${i}`, i);
      map.delete(`${i}`);
    }
  };
  pass(1_000);
  const before = used();
  pass(200_000);
  const grown = used() - before;
  assert.ok(grown < 500_000, `${grown} bytes more`);
  assert.equal(map.oldest, 'stays');
});
