/** The event types about a connection that an attempt made. They have the attempt's fields, but no `result`. */
export const connectionTypes: readonly string[] = ['closed', 'open'];

/** The event types that describe an attempt, or the connection that it made. */
export const attemptTypes: readonly string[] = ['connect', 'outcome', 'pending', ...connectionTypes];
