import type { StageRunner } from './stage-runner.js';

/** The state of one stage: how many reads have left it, and a test for those that it may still hold. */
interface Place {
  runner: StageRunner;
  left: number;
  open?: { reads: number; gone: () => boolean } | undefined;
}

/**
 * Tracks how many reads have left all stages, for a source that acknowledges its events. A read moves from stage to stage:
 * it leaves a stage once that holds none of the lines it had received by then. Each stage is asked about one read at a time,
 * the newest to arrive, so the cost does not grow with the number of reads.
 */
export class ReleaseTracker {
  readonly #places: Place[];
  #reported = 0;

  constructor(
    runners: readonly StageRunner[],
    private readonly report: (reads: number) => void,
  ) {
    this.#places = runners.map((runner) => ({ runner, left: 0 }));
  }

  /** Call this when no stage is busy and all output is written. `reads` is how many the first stage has received. */
  update(reads: number): void {
    if (this.#places.some(({ runner }) => runner.feed.failed)) return; // its lines are lost
    let arrived = reads;
    for (const place of this.#places) {
      if (place.open?.gone()) this.#leave(place);
      if (!place.open && arrived > place.left) {
        place.open = { reads: arrived, gone: place.runner.config.stage.observe?.mark?.() ?? (() => true) };
        if (place.open.gone()) this.#leave(place);
      }
      arrived = place.left;
    }
    if (arrived === this.#reported) return;
    this.#reported = arrived;
    this.report(arrived);
  }

  #leave(place: Place): void {
    place.left = place.open?.reads ?? place.left;
    place.open = undefined;
  }
}
