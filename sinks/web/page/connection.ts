import type { PageState } from '../state.js';
import { Model } from './model.js';

/** How long to wait before reconnecting (ms). */
const retryMs = 1000;

/** Receives events from sink-web. `model` has the events of the latest filter, once they are complete. */
export class Connection {
  model = new Model();
  state: PageState | undefined;
  connected = false;
  /** How far this clock is ahead of sink-web's (ms). */
  ahead = 0;
  #source: EventSource | undefined;

  constructor(
    /** Is called after every change. `complete` is true when the events of another filter are shown from now on. */
    private readonly changed: (complete: boolean) => void,
  ) {}

  /** Requests the events that match a filter. Those of the previous filter stay in `model` until the new ones are complete. */
  open(where: string): void {
    this.#source?.close();
    const model = new Model();
    if (!this.state) this.model = model;
    const source = new EventSource(`events?where=${encodeURIComponent(where)}`);
    this.#source = source;
    const on = (event: string, take: (data: string) => void) =>
      source.addEventListener(event, ({ data }: MessageEvent<string>) => {
        take(data);
        if (model === this.model) this.changed(false);
      });
    on('lines', (data) => {
      for (const line of data.split('\x1e')) model.add(line);
    });
    on('ended', (data) => model.end(JSON.parse(data)));
    on('waiting', (data) => model.retain(new Set(JSON.parse(data))));
    on('state', (data) => {
      const next: PageState = JSON.parse(data);
      const other = this.state !== undefined && next.run !== this.state.run;
      this.state = next;
      this.ahead = Date.now() - next.now;
      model.keep = next.keep;
      if (other && model === this.model)
        this.open(where); // another run of sink-web, with other events
      else if (next.complete && model !== this.model) {
        this.model = model;
        this.changed(true);
      }
    });
    source.addEventListener('open', () => this.#connected(true));
    source.addEventListener('error', () => {
      this.#connected(false);
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#renew(source, where), retryMs);
    });
  }

  #connected(connected: boolean): void {
    this.connected = connected;
    this.changed(false);
  }

  /** Fetches the page to renew its cookie, because sink-web was restarted, then reconnects. */
  async #renew(source: EventSource, where: string): Promise<void> {
    await fetch('.').catch(() => undefined);
    if (source === this.#source) this.open(where);
  }
}
