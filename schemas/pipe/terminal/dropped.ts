/** Returns where or why this machine dropped packets: `firewall OUTPUT`, `IP_RPFILTER`. */
export function dropCause(reason: string, at: string | undefined): string {
  if (reason !== 'NETFILTER_DROP') return reason;
  return at === undefined ? 'firewall' : `firewall ${at}`;
}

/** Says in few words that this machine dropped packets: `dropped here: firewall OUTPUT`. */
export const shortDropText = (reason: string, at: string | undefined): string =>
  `dropped here: ${dropCause(reason, at)}`;

/** Says it in a sentence: `this machine's firewall dropped 3 packets (OUTPUT)`. */
export function dropText(reason: string, at: string | undefined, count: number): string {
  const isFirewall = reason === 'NETFILTER_DROP';
  const where = isFirewall ? at : `${reason}${at === undefined ? '' : ` in ${at}`}`;
  const packets = `${count} ${count === 1 ? 'packet' : 'packets'}`;
  return `this machine${isFirewall ? "'s firewall" : ''} dropped ${packets}${where === undefined ? '' : ` (${where})`}`;
}
