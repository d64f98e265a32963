import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dist } from '../io/dist.js';
import { conflict } from '../messages/errors.js';
import { logMessage } from '../messages/log.js';
import { runPipeline } from '../run/run.js';
import { defineCommand, type Entry } from './command.js';
import { print } from './print.js';
import { quoted } from './words.js';

const sample = fileURLToPath(new URL('collector/replay/sample.ndjson', dist));

/** The command `synpipe demo`: plays the recording in the package through a pipeline of stages. */
export function demo(commands: Record<string, Entry>) {
  return defineCommand({
    name: 'synpipe demo',
    summary: 'shows a pipeline and the web page on a recording; needs no root',
    usage: '[OPTION]…',
    examples: [
      ['synpipe demo', 'play a minute of a small machine, in this terminal and at http://127.0.0.1:8040/'],
      ['synpipe demo --speed max', 'play the whole recording at once'],
      ['synpipe demo --print | filter --failed', 'print the recording, to try other commands on it'],
    ],
    options: {
      listen: { value: 'ADDRESS:PORT', short: 'l', help: 'Where to serve the page, as in sink-web.' },
      speed: { value: 'NUMBERx|max', help: 'Playback speed, as in replay.' },
      print: { help: 'Print the events of the recording and exit.' },
    },
    notes: `The pipeline is printed first, so that you can copy and change it. The recording is of real programs in separate network
namespaces; the times shown are those of the recording. Press Ctrl-C to stop.`,
    async run({ values: { listen = '127.0.0.1:8040', speed = '1x', print: printOnly }, given }) {
      if (printOnly) {
        const other = Object.keys(given).find((name) => name !== 'print');
        if (other !== undefined) throw conflict('--print', `--${other}`);
        await print(readFileSync(sample));
        return 0;
      }
      const pipeline = [
        `replay --speed ${quoted(speed)} ${quoted(sample)}`,
        'enrich --offline --keep-dns --with names,service',
        `sink-web --tee --listen ${quoted(listen)}`,
        'filter --where result',
        'sink-table',
      ].join(' | ');
      logMessage('synpipe demo', pipeline);
      return runPipeline(commands, pipeline);
    },
  });
}
