import type { InvalidPolicy } from './invalid.js';
import type { Ledger } from './ledger.js';
import type { Stage } from './stage.js';

/** A stage and how to run it. */
export interface StageConfig {
  stage: Stage;
  ledger: Ledger;
  /** Makes the policy, when the stage opens. */
  policy: () => InvalidPolicy;
  /** Whether to write status events. */
  status?: boolean;
  /** Called when the stage's `ends` drops the first dns event, and again at the end of the input. */
  dnsEnded?: () => void;
  /** Called when the stage fails with this error; EPIPE if nothing reads its output any more. */
  failed: (error: unknown) => void;
}
