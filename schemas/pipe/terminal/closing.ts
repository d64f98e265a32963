const texts: Record<string, string> = {
  local: 'closed by this side',
  remote: 'closed by the remote side',
  reset_sent: 'reset by this side',
  reset_received: 'reset by the remote side',
  timeout: 'timed out',
  killed: 'killed by an administrator',
};

/** Says in few words how a connection was closed: `closed by remote`. */
export const shortClosingText = (closedBy: string): string =>
  closingText(closedBy)
    .replace('the remote side', 'remote')
    .replace('this side', 'local')
    .replace(' by an administrator', '');

/** Says how a connection was closed: `closed by the remote side`. */
export const closingText = (closedBy: string): string => texts[closedBy] ?? `closed (${closedBy})`;
