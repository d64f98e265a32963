import type { Choice } from '../../scan/choice.js';
import type { Scanned } from '../../scan/scanned.js';
import { unknownKind } from '../../scan/scanner.js';
import type { Output } from '../stage.js';
import type { Part, Target } from '../target.js';
import type { Account } from './account.js';

/** Has a stage take many scanned lines at once, where it can. Returns how many of the first ones it has taken. */
export function takeMany(lines: Scanned, part: Part, out: Output, account: Account, next: Target): number {
  const { stage } = part;
  if (stage.choice) return choose(lines, stage.choice, part, account, next);
  if (!stage.lines || lines.line(0).kind === unknownKind) return 0;
  account.tellGap();
  return stage.lines(lines, out);
}

/** The scanner chooses; what it cannot answer yet it is told once. */
function choose(lines: Scanned, choice: Choice, { ledger }: Part, account: Account, next: Target): number {
  for (let done = 0; ; ) {
    const rest = lines.part(done, lines.count);
    const { asked, passed, question } = rest.choose(choice);
    if (asked > 0) account.tellGap();
    if (passed > 0) next.many(rest.part(0, passed));
    ledger.out += passed;
    ledger.filtered += asked - passed;
    if (choice.hasEndedNames) account.hasEndedNames();
    done += asked;
    if (question < 0 || !rest.learn(asked, choice, question)) return done;
  }
}
