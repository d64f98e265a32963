/** The types of events that describe an attempt. Most transforms select these; all other events pass them unchanged. */
export const attemptTypes: readonly string[] = ['connect', 'outcome', 'pending'];
