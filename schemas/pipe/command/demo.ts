import { fileURLToPath } from 'node:url';
import { logMessage } from '../messages/log.js';
import { runPipeline } from '../run/run.js';
import { defineCommand, type Entry } from './command.js';

const sample = fileURLToPath(new URL('../../../collector/replay/sample.ndjson', import.meta.url));
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** `synpipe demo`: the recording that the package has, through a pipeline of its stages. */
export function demo(commands: Record<string, Entry>) {
  return defineCommand({
    name: 'synpipe demo',
    summary: 'shows a pipeline and the page on a recording, without root',
    usage: '[OPTION]…',
    examples: [
      ['synpipe demo', 'a minute of a small machine, in this terminal and at http://127.0.0.1:8040/'],
      ['synpipe demo --speed max', 'all of it at once'],
    ],
    options: {
      listen: { value: 'ADDRESS:PORT', short: 'l', help: "Where the page is served, as sink-web's option." },
      speed: { value: 'NUMBERx|max', help: "How fast, as replay's option." },
    },
    notes: `The pipeline that it prints first can be copied, and changed. The recording is of real programs, in network namespaces
of their own; its times are those of then. Ctrl-C ends it.`,
    run({ values: { listen = '127.0.0.1:8040', speed = '1x' } }) {
      const pipeline = [
        `replay --speed ${quoted(speed)} ${quoted(sample)}`,
        'enrich --offline --with names,service',
        `sink-web --tee --listen ${quoted(listen)}`,
        'filter --where result',
        'sink-table',
      ].join(' | ');
      logMessage('synpipe demo', pipeline);
      return runPipeline(commands, pipeline);
    },
  });
}
