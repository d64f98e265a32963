/** What sink-web reports to a page besides the lines. */
export interface State {
  /** Identifies this run of sink-web, for a page that reconnects to a later run. */
  run: string;
  /** How many events of attempts arrived, including those no longer kept. */
  total: number;
  /** How many events the stream reports as lost. */
  lost: number;
  keep: number;
  ended: boolean;
  /** Whether pending attempts are recent: then the page measures their waiting time by the clock, not by the newest event. */
  live: boolean;
}

/** The state as one page gets it. */
export interface PageState extends State {
  /** Whether the page has all events that existed when it connected. */
  complete: boolean;
  /** The time at sink-web (ms since the epoch). */
  now: number;
}
