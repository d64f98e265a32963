import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptTypes } from '../../../schemas/attempts.js';
import { addedBy } from '../../../transforms/filter/enriched.js';
import { schemaOf } from '../../support/arbitrary.js';

for (const type of attemptTypes) {
  test(`knows the fields of ${type} events that enrich adds`, () => {
    const properties = Object.entries(schemaOf(type).properties as Record<string, { source?: string }>);
    const added = properties.filter(([, { source }]) => source?.startsWith('enrich')).map(([name]) => name);
    assert.deepEqual([...addedBy.keys()].sort(), added.sort());
  });
}
