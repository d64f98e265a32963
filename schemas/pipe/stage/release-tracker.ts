import type { StageRunner } from './stage-runner.js';

/** Where a stage stands: how many reads have arrived in it, and the test of those that it may still hold. */
interface Place {
  runner: StageRunner;
  left: number;
  open?: { reads: number; gone: () => boolean } | undefined;
}

/**
 * Finds out how many reads every stage has let go of, for a source that acknowledges its events. A read moves from stage
 * to stage: it leaves one when that holds no line which came until then. Each stage is asked about one read at a time, the
 * newest that has arrived, so that many reads cost no more than few.
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

  /** Call when no stage is busy and all output is written. `reads`: how many were handed to the first stage. */
  update(reads: number): void {
    if (this.#places.some(({ runner }) => runner.failed)) return; // what it had is lost with it
    let arrived = reads;
    for (const place of this.#places) {
      if (place.open?.gone()) this.#leave(place);
      if (!place.open && arrived > place.left) {
        place.open = { reads: arrived, gone: place.runner.mark() };
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
