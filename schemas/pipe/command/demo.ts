import { fileURLToPath } from 'node:url';
import { logMessage } from '../messages/log.js';
import { runPipeline } from '../run/run.js';
import { defineCommand, type Entry } from './command.js';

const sample = fileURLToPath(new URL('../../../collector/replay/sample.ndjson', import.meta.url));
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** The command `synpipe demo`: plays the recording in the package through a pipeline of stages. */
export function demo(commands: Record<string, Entry>) {
  return defineCommand({
    name: 'synpipe demo',
    summary: 'shows a pipeline and the web page on a recording; needs no root',
    usage: '[OPTION]…',
    examples: [
      ['synpipe demo', 'play a minute of a small machine, in this terminal and at http://127.0.0.1:8040/'],
      ['synpipe demo --speed max', 'play the whole recording at once'],
    ],
    options: {
      listen: { value: 'ADDRESS:PORT', short: 'l', help: 'Where to serve the page, as in sink-web.' },
      speed: { value: 'NUMBERx|max', help: 'Playback speed, as in replay.' },
    },
    notes: `The pipeline is printed first, so that you can copy and change it. The recording is of real programs in separate network
namespaces; the times shown are those of the recording. Press Ctrl-C to stop.`,
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
