import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder } from '../../support/process.js';
import { root } from '../../support/shell.js';

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  options: object;
  fieldConfig: { defaults: { custom?: object } };
}

const text = readFileSync(join(root, 'sinks/metrics/dashboard.json'), 'utf8');
const { panels } = JSON.parse(text) as { panels: Panel[] };

/** The modules of @grafana/schema with the options of each kind of panel. */
const kinds: Record<string, string> = {
  stat: 'stat/panelcfg/x/StatPanelCfg_types.gen',
  timeseries: 'timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen',
  heatmap: 'heatmap/panelcfg/x/HeatmapPanelCfg_types.gen',
  table: 'table/panelcfg/x/TablePanelCfg_types.gen',
};

/** TypeScript that compiles if this is a dashboard of Grafana's schema, without members that the schema does not have. */
function typed(dashboard: string): string {
  const imports = Object.entries(kinds).map(
    ([kind, path]) => `import type * as ${kind} from '@grafana/schema/dist/esm/raw/composable/${path}';`,
  );
  const checks = (JSON.parse(dashboard) as { panels: Panel[] }).panels.flatMap(({ type, options, fieldConfig }) => [
    `check<Json<${type}.Options>>(${JSON.stringify(options)});`,
    ...(type === 'timeseries'
      ? [`check<Json<timeseries.FieldConfig>>(${JSON.stringify(fieldConfig.defaults.custom)});`]
      : []),
  ]);
  return `import type { Dashboard } from '@grafana/schema';
${imports.join('\n')}
/** As written in JSON, where a member of an enum is its value, and Grafana fills in what is missing. */
type Json<T> = T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T : { [K in keyof T]?: Json<T[K]> };
declare function check<T>(value: T): void;
check<Json<Dashboard> & Pick<Dashboard, 'schemaVersion'>>(${dashboard});
${checks.join('\n')}
`;
}

test("the dashboard is one of Grafana's schema", (t) => {
  const dir = folder(t);
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  const compile = (code: string) => {
    writeFileSync(join(dir, 'dashboard.ts'), code);
    const flags = [
      '--noEmit',
      '--ignoreConfig',
      '--strict',
      '--skipLibCheck',
      '--types',
      '',
      '--module',
      'esnext',
      '--moduleResolution',
      'bundler',
    ];
    const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), [...flags, join(dir, 'dashboard.ts')], {
      encoding: 'utf8',
    });
    return status === 0 ? '' : stdout;
  };
  assert.equal(compile(typed(text)), '');
  for (const wrong of [
    text.replace('"gridPos"', '"gridPosition"'),
    text.replace('"graphMode": "area"', '"graphMode": "bar"'),
  ])
    assert.match(compile(typed(wrong)), /error TS/);
});

test('each panel has its own id and place, and a kind that the schema is checked for', () => {
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Set<string>();
  for (const { type, gridPos, title } of panels) {
    assert.ok(type in kinds, type);
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(!taken.has(`${x} ${y}`), title);
        taken.add(`${x} ${y}`);
      }
    }
  }
});
