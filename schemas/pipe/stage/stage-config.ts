import type { InvalidPolicy } from './invalid.js';
import type { Ledger } from './ledger.js';
import type { Stage } from './stage.js';

/** A stage, and how it is to run. */
export interface StageConfig {
  stage: Stage;
  ledger: Ledger;
  /** Made when the stage opens. */
  policy: () => InvalidPolicy;
  /** Write status events. */
  status?: boolean;
  /** Called when the first dns event ends in the stage by its `ends`, and again at the end of the input. */
  dnsEnded?: () => void;
  /** The stage is at its end in the middle of things, by this error; EPIPE when nobody takes what it puts out. */
  failed: (error: unknown) => void;
}
