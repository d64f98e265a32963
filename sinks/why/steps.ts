import type { Closed, Dns, Open, Outcome } from '../../schemas/generated/events.js';
import { printable } from '../../schemas/pipe/messages/printable.js';
import { closingText } from '../../schemas/pipe/terminal/closing.js';
import { dropText } from '../../schemas/pipe/terminal/dropped.js';
import { bytes, count, duration } from '../../schemas/pipe/terminal/human.js';
import { type Attempt, callTime, mainOf, micros, whoOf } from './attempt.js';

/** How bad a story ends: the worst come first. */
export const states = ['failed', 'pending', 'broken', 'good'] as const;
export type State = (typeof states)[number];

/** One step of a story. */
export interface Step {
  /** When it happened, in µs since 1970; left out if that is not known. */
  at?: number;
  text: string;
  /** What makes the story different from others, without times and numbers. */
  kind: string;
}

/** What happened to an attempt, in order. */
export interface Story {
  state: State;
  /** How it ended, in one word. */
  end: string;
  /** The time of the call, in µs since 1970. */
  call: number;
  steps: Step[];
}

const calls = {
  connect: 'calls connect()',
  sendmsg: 'calls sendmsg() with TCP Fast Open',
  io_uring: 'connects through io_uring',
  kernel: 'connects from the kernel',
  mptcp: 'calls connect() on an MPTCP socket',
};

const ends: Record<Closed['closed_by'], [State, string]> = {
  local: ['good', 'closed'],
  remote: ['good', 'closed'],
  reset_sent: ['broken', 'reset'],
  reset_received: ['broken', 'reset'],
  timeout: ['broken', 'timed out'],
  killed: ['broken', 'killed'],
};

/** Returns the story of an attempt. `hasEnds`: the input has closed or open events, so a missing end means something. */
export function storyOf(attempt: Attempt, hasEnds: boolean): Story {
  const { lookup, outcome, pending, closed, open, connect } = attempt;
  const call = callTime(attempt);
  const steps: Step[] = [...lookupSteps(lookup, attempt), callStep(attempt, call)];
  const story = (state: State, end: string): Story => ({ state, end, call, steps });
  if (pending?.icmp !== undefined && outcome?.icmp === undefined)
    steps.push({
      at: micros(pending.ts),
      text: `${icmpText(pending)}; the attempt continues`,
      kind: `icmp ${pending.icmp}`,
    });
  if (outcome) steps.push(outcomeStep(outcome));
  else if (closed || open) {
    const { latency_us } = (closed ?? open) as Closed | Open;
    if (latency_us !== undefined) steps.push({ at: call + latency_us, text: 'established', kind: 'established' });
  } else if (pending) {
    const text = `still waiting after ${duration(pending.waited_us)}: ${silence(pending.retransmits)}${dropped(pending)}`;
    steps.push({ at: micros(pending.ts), text, kind: `waiting ${dropKind(pending)}` });
    return story('pending', 'waiting');
  } else if (connect?.error !== undefined) {
    steps.push({ at: call, text: `the call fails: ${connect.error}`, kind: connect.error });
    return story('failed', connect.error);
  } else {
    steps.push({ text: 'the input does not say how it ended', kind: 'unknown' });
    return story('pending', 'started');
  }
  if (outcome && outcome.result !== 'established') return story('failed', outcome.result);
  if (closed) {
    steps.push(closedStep(closed));
    return story(...ends[closed.closed_by]);
  }
  if (open) steps.push(openStep(open));
  else if (hasEnds) steps.push({ text: 'still open when the input ends', kind: 'open' });
  return story('good', open ? 'open' : 'established');
}

/** Returns the story of a look-up that failed. */
export function storyOfLookup(event: Dns): Story {
  const { ts, latency_us = 0, error = '' } = event;
  const call = micros(ts) - latency_us;
  const asks = { at: call, text: `${whoText(event)} looks up ${printable(event.name)}`, kind: 'asks' };
  const from = event.server === undefined ? '' : ` from ${event.server}`;
  const queries = event.attempts === undefined ? '' : ` to ${event.attempts} queries`;
  const text = error === 'TIMEOUT' ? `no answer${queries}${from}` : `${error}${from}`;
  return {
    state: 'failed',
    end: `look-up failed, ${error}`,
    call,
    steps: [asks, { at: micros(ts), text, kind: error }],
  };
}

function lookupSteps(lookup: Dns | undefined, attempt: Attempt): Step[] {
  const { name, name_source, name_age_ms, name_ambiguous, dns_latency_us, daddr } = mainOf(attempt);
  const guess = name_ambiguous ? ' (a guess: the address has several names)' : '';
  if (lookup) {
    const { server, latency_us, attempts = 1 } = lookup;
    const took = latency_us === undefined ? '' : ` in ${duration(latency_us)}`;
    const asked = attempts > 1 ? `, asked ${attempts} times` : '';
    const by = server === undefined ? '' : `, answered by ${server}`;
    const text = `${printable(lookup.name)} resolves to ${daddr}${by}${took}${asked}${guess}`;
    return [{ at: micros(lookup.ts) - (latency_us ?? 0), text, kind: 'look-up' }];
  }
  if (name === undefined) return [];
  if (name_source === 'hosts') return [{ text: `the hosts file gives ${printable(name)}${guess}`, kind: 'hosts' }];
  if (name_source !== 'dns' || name_age_ms === undefined) return [];
  const took = dns_latency_us === undefined ? '' : ` in ${duration(dns_latency_us)}`;
  const at = callTime(attempt) - name_age_ms * 1_000 - (dns_latency_us ?? 0);
  return [{ at, text: `${printable(name)} resolves to ${daddr}${took}${guess}`, kind: 'look-up' }];
}

function callStep(attempt: Attempt, call: number): Step {
  const event = mainOf(attempt);
  const to = `${event.daddr.includes(':') ? `[${event.daddr}]` : event.daddr}:${event.dport}`;
  const kind = `${event.via} ${'existing' in event}`;
  if (!('existing' in event)) return { at: call, text: `${whoText(event)} ${calls[event.via]} to ${to}`, kind };
  if ('result' in event)
    return { at: call, text: `${whoText(event)} was already connecting to ${to} when the collector started`, kind };
  return { text: `${whoText(event)} had a connection to ${to} when the collector started`, kind };
}

function whoText(event: { pid?: number; comm?: string; pcomm?: string }): string {
  return printable(whoOf(event)) + (event.pid === undefined ? '' : ` (PID ${event.pid})`);
}

function outcomeStep(event: Outcome): Step {
  const { ts, result, error, icmp, icmp_from, retransmits = 0, latency_us } = event;
  const kind = [result, error, icmp, icmp_from, result === 'established' && retransmits > 0, dropKind(event)].join(' ');
  const text = result === 'established' ? establishedText(latency_us, retransmits) : failureText(event);
  return { at: micros(ts), text: text + dropped(event), kind };
}

type Dropped = Pick<Outcome, 'drop_reason' | 'drop_at' | 'drop_count' | 'existing'>;

const dropKind = ({ drop_reason, drop_at }: Dropped) => `${drop_reason} ${drop_at}`;

function dropped({ drop_reason, drop_at, drop_count = 0, existing }: Dropped): string {
  const since = existing ? ' since the collector started' : ''; // it may have dropped earlier packets too
  return drop_reason === undefined ? '' : `; ${dropText(drop_reason, drop_at, drop_count)}${since}`;
}

/** Whether the answer to the SYN came from this machine itself, which dropped the SYN on its way out. */
const isRejectedHere = ({ drop_reason, drop_at }: Dropped) =>
  drop_reason === 'NETFILTER_DROP' && drop_at !== undefined && drop_at !== 'INPUT';

function establishedText(latency: number, retransmits: number): string {
  return `established after ${duration(latency)}${retransmits > 0 ? `: the SYN was sent ${retransmits + 1} times` : ''}`;
}

function failureText(event: Outcome): string {
  const { result, error, icmp, daddr, sport, retransmits, latency_us } = event;
  const code = error === undefined ? '' : ` (${error})`;
  const local = sport === undefined ? ', no SYN was sent' : '';
  if (icmp !== undefined) return `${result}: ${icmpText(event)}${code}`;
  switch (result) {
    case 'refused':
      return `refused ${isRejectedHere(event) ? 'on this machine' : `by ${daddr}`} with a reset${code}`;
    case 'reset':
      return `reset by ${daddr} during the handshake${code}`;
    case 'timeout':
      return `timeout after ${duration(latency_us)}: ${silence(retransmits)}${code}`;
    case 'aborted':
      return `given up by the program after ${duration(latency_us)}: ${silence(retransmits)}${code}`;
    case 'denied':
      return `denied on this machine${local}${code}`;
    case 'unreachable':
      return `${sport === undefined ? 'no route on this machine' : 'unreachable'}${local}${code}`;
    default:
      return `failed${code}${local}`;
  }
}

function icmpText({ icmp, icmp_from, saddr }: { icmp?: string; icmp_from?: string; saddr?: string }): string {
  const isOwn = icmp_from !== undefined && icmp_from === saddr;
  const cause = icmp === 'host-unreachable' ? ': its firewall, or no answer to ARP or neighbour discovery' : '';
  const own = isOwn ? `, this machine${cause}` : '';
  return printable(icmp_from === undefined ? `ICMP ${icmp}` : `ICMP ${icmp} from ${icmp_from}${own}`);
}

function silence(retransmits = 0): string {
  return `no answer to ${retransmits === 0 ? 'the SYN' : `${retransmits + 1} SYNs`}`;
}

function closedStep(event: Closed): Step {
  const { ts, closed_by, exiting, duration_us, error } = event;
  const after = duration_us === undefined ? '' : ` after ${duration(duration_us)}`;
  const code = error === undefined ? '' : ` (${error})`;
  const why = exiting ? ', as its process exited' : '';
  const text = `${closingText(closed_by)}${after}${why}${code}; ${figures(event)}${dropped(event)}`;
  return { at: micros(ts), text, kind: `${closed_by} ${exiting} ${dropKind(event)}` };
}

function openStep(event: Open): Step {
  const after = event.duration_us === undefined ? '' : ` after ${duration(event.duration_us)}`;
  return {
    at: micros(event.ts),
    text: `still open${after}; ${figures(event)}${dropped(event)}`,
    kind: `open ${dropKind(event)}`,
  };
}

function figures({ bytes_sent, bytes_received, segs_retransmitted: again, srtt_us: rtt }: Closed | Open): string {
  return [
    `${bytes(bytes_sent)} sent, ${bytes(bytes_received)} received`,
    ...(again === undefined ? [] : [`${count(again)} ${again === 1 ? 'segment' : 'segments'} sent again`]),
    ...(rtt === undefined ? [] : [`round trip ${duration(rtt)}`]),
  ].join(', ');
}
