/** The event types that describe an attempt. */
export const attemptTypes: readonly string[] = ['connect', 'outcome', 'pending'];
