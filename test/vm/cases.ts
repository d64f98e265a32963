import type { Case } from './cases/case.js';
import { early } from './cases/early.js';
import { existing } from './cases/existing.js';
import { odd } from './cases/odd.js';
import { many, other } from './cases/other.js';
import { plain } from './cases/plain.js';
import { rejections } from './cases/rejected.js';
import { unanswered } from './cases/unanswered.js';

/** In the order of the table. */
export const cases: Case[] = [...plain, ...early, ...odd, ...other, ...many, ...rejections, ...unanswered, ...existing];
