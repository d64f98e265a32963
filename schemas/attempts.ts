/** The types of events that describe an attempt. */
export const attemptTypes: readonly string[] = ['connect', 'outcome', 'pending'];
