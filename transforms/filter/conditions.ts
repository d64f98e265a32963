import { connectionTypes } from '../../schemas/attempts.js';
import { camel, type Values } from '../../schemas/pipe/command/options.js';
import { ExpressionError, UsageError } from '../../schemas/pipe/messages/errors.js';
import { addresses, type Test } from '../../schemas/where/match.js';
import { every, has, isType, not, on, type Predicate, some } from '../../schemas/where/on.js';
import { fieldsNeeded, fieldsOf, oneOfEach, where } from '../../schemas/where/where.js';
import { criterionNames, fieldOf } from './criteria.js';
import type { options } from './options.js';
import { workableTypes } from './types.js';

const loopback = '127.0.0.0/8,::1';
const privateUse = '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,fe80::/10';

const fields = fieldsOf(workableTypes);
const holds = (field: string, test: Test): Predicate => on(field, fields.get(field), test);
const isPresent = (field: string): Predicate => has(field, fields.get(field));

/** The conditions of a failure, by type. A pending attempt has neither failed nor succeeded yet. */
const failures: Record<string, Predicate[]> = {
  outcome: [not(holds('result', (value) => value === 'established'))],
  connect: [isPresent('errno')],
  dns: [isPresent('error'), not(isPresent('search'))],
};

const failed = (types: readonly string[]): Predicate =>
  some(types.flatMap((type) => (failures[type] ? [every([isType(type), ...failures[type]])] : [])));

/** Returns the conditions that an event of these types must meet to pass. Throws UsageError. */
export function conditions(values: Values<typeof options>, types: readonly string[]): Predicate[] {
  const all: Predicate[] = [];
  const tests = values as Record<string, Test[] | undefined>;
  for (const name of criterionNames) {
    const wanted = tests[camel(name)];
    const unwanted = tests[camel(`not-${name}`)];
    if (wanted) all.push(anyOf(name, wanted));
    if (unwanted) all.push(not(anyOf(name, unwanted)));
  }
  if (values.where) all.push(some(values.where.map((text) => expression(text, types))));
  if (values.failed) all.push(failed(types));
  if (values.notFailed) all.push(not(failed(types)));
  if (values.pending) all.push(isType('pending'));
  if (values.notPending) all.push(not(isType('pending')));
  if (values.excludeLoopback) all.push(not(holds('daddr', addresses(loopback))));
  if (values.excludePrivate) all.push(not(holds('daddr', addresses(privateUse))));
  return all;
}

/** Returns the fields that an event needs to pass: at least one field of each list. It need not find all. */
export function needs(values: Values<typeof options>): string[][] {
  const tests = values as Record<string, Test[] | undefined>;
  const ofOptions = criterionNames.filter((name) => tests[camel(name)]).map((name) => [fieldOf(name)]);
  return [...ofOptions, ...(values.where ? oneOfEach(values.where.map(fieldsNeeded)) : [])];
}

/** Compiles an expression for these types. It is already known to be valid for some types. Throws UsageError. */
function expression(text: string, types: readonly string[]): Predicate {
  try {
    return where(text, types);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const [column] = error.message.split(': ');
    const advice = types.includes('dns') ? 'change --type' : 'add --type dns to test look-ups';
    throw new UsageError(`--where: ${column}: no event of type ${types.join(', ')} has this field; ${advice}`);
  }
}

function anyOf(name: (typeof criterionNames)[number], tests: Test[]): Predicate {
  const ofField = tests.map((test) => holds(fieldOf(name), test));
  // the attempt of a connection was established, although its events have no `result`
  const isMet = name === 'result' && tests.some((test) => test('established'));
  return some(isMet ? [...ofField, ...connectionTypes.map(isType)] : ofField);
}
