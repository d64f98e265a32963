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
  /** Whether it takes any JSON object. */
  lenient?: boolean;
  /** Called when the stage first drops a dns event because of its type, and again at the end, when all later stages are known. */
  dnsDropped?: () => void;
  /** Called when the stage fails with this error; EPIPE if nothing reads its output any more. */
  failed: (error: unknown) => void;
}
