import type { Connect, Lost, Outcome } from '../schemas/generated/events.js';
import { defineCommand } from '../schemas/pipe/command.js';
import { printable } from '../schemas/pipe/errors.js';
import type { Output, Stage } from '../schemas/pipe/stage.js';

const header = ['TIME', 'PID', 'COMM', 'SADDR', 'SPORT', 'DADDR', 'DPORT', 'ERROR'] as const;
const ipv4Width = 15;
const ipv6Width = 39;
/** No column gets wider: a longer text moves the rest of its own line, not that of all the lines behind it. */
const widest = 64;

/** The time of day of a `ts`, in this machine's time zone. */
function clock(ts: string): string {
  return new Date(ts).toTimeString().slice(0, 8);
}

function cells(event: Connect | Outcome): string[] {
  const { ts, pid, comm, saddr = '-', saddr_name = saddr, sport = '-', daddr, name = daddr, dport, error = '' } = event;
  const end = event.type === 'outcome' ? ending(event) : error;
  return [clock(ts), String(pid), comm, saddr_name, String(sport), name, String(dport), end].map(printable);
}

/** `established 0.312 ms`, `refused 0.041 ms`, `error EADDRNOTAVAIL 0.009 ms` */
function ending({ result, error, latency_us }: Outcome): string {
  const why = result === 'error' && error ? ` ${error}` : '';
  return `${result}${why} ${(latency_us / 1000).toFixed(3)} ms`;
}

/**
 * Aligned lines for people: the columns of tcpconnect, and the error; an address that has a name is shown by that. Where
 * a terminal is too narrow for two columns of IPv6 addresses, these begin as wide as IPv4 and widen with the first text
 * that needs it.
 */
export function sinkTable(columns = Number.POSITIVE_INFINITY): Stage {
  const widths = [8, 7, 15, ipv6Width, 5, ipv6Width, 5, 0];
  if (columns < widths.reduce((sum, width) => sum + width + 1, 0)) widths[3] = widths[5] = ipv4Width;
  const row = (texts: readonly string[]) =>
    texts
      .map((text, column) => {
        const width = columnsOf(text);
        if (width > (widths[column] as number) && width <= widest) widths[column] = width;
        return text + ' '.repeat(Math.max(0, (widths[column] as number) - width));
      })
      .join(' ')
      .trimEnd();
  const put = (text: string, out: Output) => {
    out.text(text);
    out.stored(1);
  };
  return {
    name: 'sink-table',
    sink: true,
    open: (out) => out.text(row(header)),
    line(line, out) {
      if (line.type === 'lost') return put(lost(line.event as Lost), out);
      if (line.type !== 'connect' && line.type !== 'outcome') return out.drop();
      const texts = cells(line.event as Connect | Outcome);
      if (stringWidth || texts.every(isPlain)) return put(row(texts), out);
      return load().then(() => put(row(texts), out));
    },
  };
}

const isPlain = (text: string) => /^[\x20-\x7e]*$/.test(text);

/** How many columns of a terminal a text takes: a Chinese sign takes two, a combining one none. */
function columnsOf(text: string): number {
  return isPlain(text) || !stringWidth ? text.length : stringWidth(text);
}

/** Loaded with the first text that needs it, since few do, and a start should be quick. */
let stringWidth: ((text: string) => number) | undefined;
async function load(): Promise<void> {
  stringWidth = (await import('string-width')).default;
}

function lost({ count, stage, where }: Lost): string {
  return printable(`-- ${count} lost in ${stage}: ${where} --`);
}

export const command = defineCommand({
  name: 'sink-table',
  summary: 'prints events as an aligned table, as tcpconnect does',
  usage: '[OPTION]…',
  examples: [['collector | sink-table', 'watch this machine connect']],
  options: {},
  notes:
    'Times are local. An address that has a name shows that. Events that are no attempts are left out; lost ones are told between the lines.',
  stage: () => sinkTable(process.stdout.columns),
});
