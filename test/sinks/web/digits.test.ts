import assert from 'node:assert/strict';
import { test } from 'node:test';
import { threeDigits } from '../../../sinks/web/page/digits.js';

test('numbers have three significant digits, and no exponent', () => {
  const texts = [0.0651, 10, 100, 120, 999.4, 999.5, 1012.3, 123_456].map(threeDigits);
  assert.deepEqual(texts, ['0.0651', '10.0', '100', '120', '999', '1000', '1012', '123456']);
  // as the charts' legends show them
  assert.deepEqual(texts.map(Number), [0.0651, 10, 100, 120, 999, 1000, 1012, 123_456]);
});
