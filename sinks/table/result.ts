import { connectionTypes } from '../../schemas/attempts.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { shortClosingText } from '../../schemas/pipe/terminal/closing.js';
import { shortDropText } from '../../schemas/pipe/terminal/dropped.js';
import { bytes, duration } from '../../schemas/pipe/terminal/human.js';
import { rejectionText } from '../../schemas/pipe/terminal/rejection.js';

const result = new LineField('result');
const error = new LineField('error');
const icmp = new LineField('icmp');
const icmpFrom = new LineField('icmp_from');
const retransmits = new LineField('retransmits');
const existing = new LineField('existing');
const [dropReason, dropAt, dropCount] = [
  new LineField('drop_reason'),
  new LineField('drop_at'),
  new LineField('drop_count'),
];
const [closedBy, lasted] = [new LineField('closed_by'), new LineField('duration_us')];
const [sent, received] = [new LineField('bytes_sent'), new LineField('bytes_received')];
const search = new LineField('search');
const attempts = new LineField('attempts');

/** How many addresses of an answer to show. The rest are only counted. */
const mostAddresses = 2;

/**
 * Formats how an attempt ended and why: `established`, `error EADDRNOTAVAIL`, `pending, 1 retransmit`,
 * `refused (192.0.2.1: port-unreachable)`. Of a connect event, only the error is known. Formats also how a connection
 * ended: `closed by remote after 40.0 s, 12 kB sent, 0 B received`.
 */
export function resultText(line: Line): string {
  const name = line.text(result);
  if (connectionTypes.includes(line.type)) return connectionText(line);
  if (name === undefined) return line.text(error) ?? '';
  let text = name === 'error' ? `error ${line.text(error) ?? ''}`.trimEnd() : name;
  text += rejectionText(line.text(icmp), line.text(icmpFrom)) + droppedText(line);
  const repeats = line.number(retransmits);
  if (repeats > 0) text += `, ${repeats} ${repeats === 1 ? 'retransmit' : 'retransmits'}`;
  if (name === 'pending' && line.locate(existing)) text += ', from before the start';
  return text;
}

const errorLength = '"error"'.length;
const letterE = 101;

/** Finds the result of an outcome, if it is the whole text. Returns whether it is. */
export function locateResult(line: Line): boolean {
  if (line.type !== 'outcome' || line.locate(icmp) || line.locate(dropReason) || line.locate(retransmits)) return false;
  return line.locate(result) && !(line.to - line.from === errorLength && line.raw[line.from + 1] === letterE);
}

function connectionText(line: Line): string {
  const closed = line.text(closedBy);
  const us = line.number(lasted);
  const after = Number.isNaN(us) ? '' : ` ${closed === undefined ? 'for' : 'after'} ${duration(us)}`;
  const figures = `${bytes(line.number(sent))} sent, ${bytes(line.number(received))} received`;
  return `${closed === undefined ? 'open' : shortClosingText(closed)}${after}, ${figures}${droppedText(line)}`;
}

function droppedText(line: Line): string {
  const reason = line.text(dropReason);
  return reason === undefined ? '' : `, ${line.number(dropCount)} ${shortDropText(reason, line.text(dropAt))}`;
}

/** Formats an answer: `192.0.2.7,192.0.2.8 and 3 more`, `NXDOMAIN`, `NXDOMAIN (search list)`, `TIMEOUT after 2 queries` */
export function answerText(line: Line): string {
  const failure = line.text(error);
  if (failure !== undefined) {
    const queries = line.number(attempts);
    return `${failure}${queries > 1 ? ` after ${queries} queries` : ''}${line.locate(search) ? ' (search list)' : ''}`;
  }
  const addresses = (line.field('addrs') as string[] | undefined) ?? [];
  if (addresses.length === 0) return '-';
  const more = addresses.length - mostAddresses;
  return `${addresses.slice(0, mostAddresses).join(',')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Returns the state of an event, to colour it. */
export function state(line: Line): 'failed' | 'pending' | 'other' {
  if (line.type === 'pending') return 'pending';
  if (line.type === 'outcome') return line.text(result) === 'established' ? 'other' : 'failed';
  return line.text(error) === undefined ? 'other' : 'failed';
}
