import { isoText } from '../../schemas/pipe/line/moment.js';

/** Formats times: local ones or, with `utc`, in UTC. */
export class Clock {
  /** The day on which it was made, as `2026-11-23`. */
  readonly today: string;
  // of the minute that was formatted last: most events come in order
  #minute = '';
  #hourAndMinute = '';
  #day = '';

  constructor(
    private readonly utc = false,
    now = new Date(),
  ) {
    this.today = this.day(now.toISOString());
  }

  /** Returns the time of day of a `ts`: `08:15:30`. */
  time(ts: string): string {
    this.#move(ts);
    return this.#hourAndMinute + ts.slice(16, 19);
  }

  /** Returns the day of a `ts`: `2026-11-23`. */
  day(ts: string): string {
    this.#move(ts);
    return this.#day;
  }

  /** Returns the time of day, after the date if that is not today. */
  dateAndTime(ts: string): string {
    const time = this.time(ts);
    return this.#day === this.today ? time : `${this.#day} ${time}`;
  }

  #move(ts: string): void {
    const minute = ts.slice(0, 16);
    if (minute === this.#minute) return;
    this.#minute = minute;
    const shown = this.utc ? minute : local(minute);
    this.#day = shown.slice(0, 10);
    this.#hourAndMinute = shown.slice(11);
  }
}

/** Returns the local time of a minute in UTC, in the same format. Time zones differ by whole minutes. */
function local(minute: string): string {
  const time = new Date(`${minute}Z`);
  return isoText(time.getTime() - time.getTimezoneOffset() * 60_000).slice(0, 16);
}
