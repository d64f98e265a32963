import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExpressionError } from '../../../schemas/pipe/messages/errors.js';
import { where } from '../../../schemas/where/where.js';

const wrong: [expression: string, column: string][] = [
  ['', '1: the expression is empty; write for example dport == 443'],
  ['   ', '1: the expression is empty; write for example dport == 443'],
  ['procces == x', '1: unknown field "procces"; did you mean pcomm? Write .procces for a field of your own'],
  ['ip == 10.0.0.1', '1: unknown field "ip"; did you mean daddr? Write .ip for a field of your own'],
  ['dprot == 443', '1: unknown field "dprot"; did you mean dport? Write .dprot for a field of your own'],
  ['team == payments', '1: unknown field "team"; write .team for a field of your own'],
  ['443 == dport', '1: expected a field, not "443"; write the field first, as in dport == 443'],
  ['"dport" == 443', '1: expected a field, not quoted text; write dport, or ."dport"'],
  ['and dport', '1: expected a field, not "and"; write the field first, as in dport == 443'],
  ['.team.x == 1', '6: expected an operator after team; the operators are == != < <= > >= =~ !~ in'],
  ['dport = 443', '7: "=" is not an operator; write =='],
  ['dport === 443', '7: "===" is not an operator; write =='],
  ['comm ~ "x"', '6: "~" is not an operator; write =~'],
  ['dport <> 443', '7: "<>" is not an operator; write !='],
  ['dport == 443 & uid == 0', '14: expected "and", "or" or the end, not "&"; join conditions with "and" or "or"'],
  ['dport == 443 | uid == 0', '14: expected "and", "or" or the end, not "|"; join conditions with "and" or "or"'],
  ['dport 443', '7: expected an operator after dport; the operators are == != < <= > >= =~ !~ in'],
  ['dport is 443', '7: expected an operator after dport; the operators are == != < <= > >= =~ !~ in'],
  ['dport ==', '9: expected a value after "==", not the end; add one'],
  ['dport == and', '10: expected a value after "=="; put "and" in quotes if it is the value'],
  ['dport == )', '10: expected a value after "==", not ")"; put text with such characters in quotes'],
  ['dport == "443"', '10: dport needs a number, not "443"; write one such as 443, without quotes'],
  ['dport == https', '10: dport needs a number, not "https"; write one such as 443, without quotes'],
  ['dport == 443.5', '10: dport is never 443.5; it is a whole number from 0 to 65535'],
  ['dport == 65536', '10: dport is never 65536; it is a whole number from 0 to 65535'],
  ['dport == 8000-8100', '10: 8000-8100 is a range; write dport in 8000-8100'],
  ['dport in ()', '11: expected a value after "(", not ")"; put text with such characters in quotes'],
  ['dport in (443 8080)', '15: expected "," or ")", not "8080"; separate the values with ","'],
  ['dport in (443,', '15: expected a value after ",", not the end; add one'],
  ['dport in (443', '10: "(" is not closed; add a ")"'],
  ['dport in 8100-8000', '10: the range 8100-8000 is backwards; write 8000-8100'],
  ['dport in (443, 65000-66000)', '16: dport is never 65000-66000; it is a whole number from 0 to 65535'],
  ['dport =~ "44."', '10: dport is not text; compare it with == or in'],
  ['dport > 100ms', '9: dport is not a duration; write 100 without ms'],
  ['latency_us > 100m', '14: unknown unit "m"; use us, ms or s'],
  ['latency_us > slow', '14: latency_us needs a number, not "slow"; write one such as 100ms, without quotes'],
  ['latency_us == 0.1us', '15: latency_us is never 0.1us; it is a whole number from 0 to 9007199254740991'],
  ['errno == 0', '10: errno is never 0; it is a whole number from 1 to 4095'],
  ['family == 5', '11: family is never "5"; it is 4 or 6'],
  ['family < 6', '10: family has no order; compare it with == or in'],
  ['daddr == example.com', '10: daddr needs an address, not "example.com"; write for example 10.0.0.1'],
  ['daddr == 10.0.0.0/8', '10: 10.0.0.0/8 is a network; write daddr in 10.0.0.0/8'],
  [
    'daddr in 10.0.0.0/33',
    '10: daddr needs an address or a CIDR block, not "10.0.0.0/33"; write for example 10.0.0.0/8',
  ],
  [
    'daddr in "10.0.0.1,10.0.0.2"',
    '10: daddr needs an address or a CIDR block, not "10.0.0.1,10.0.0.2"; write for example 10.0.0.0/8',
  ],
  ['daddr > 10.0.0.1', '9: daddr has no order; compare it with == or in'],
  ['comm == pcomm', '9: two fields cannot be compared with each other; write "pcomm" to compare with that text'],
  ['comm == node*', '9: "node*" is not a value; use =~ for a pattern, or put it in quotes'],
  ['comm == "a name of sixteen"', '9: comm has at most 15 characters; write fewer, or use =~ to match the beginning'],
  ['comm < "m"', '8: comm has no order; compare it with == or in'],
  ['comm =~ node', '9: expected a regular expression after "=~"; write it as "…" or /…/i'],
  [
    'comm =~ "("',
    '9: Invalid regular expression: /(/: Unterminated group; write \\ before a character that stands for itself',
  ],
  [
    'comm =~ /(/',
    '9: Invalid regular expression: /(/: Unterminated group; write \\ before a character that stands for itself',
  ],
  ['comm =~ /node', '9: the regular expression is not closed; write /…/ or /…/i'],
  ['comm == "node', '9: the quoted text is not closed; add a "'],
  ['comm == \'node"', "9: the quoted text is not closed; add a '"],
  ['cgroup == /system.slice', '11: cgroup is never "/system.slice"; its values match ^[0-9]{1,20}$'],
  ['error == 111', '10: error is never "111"; its values match ^E[A-Z0-9]{1,31}$'],
  ['error == ECONREFUSED', '10: error is never "ECONREFUSED"; did you mean ECONNREFUSED?'],
  ['error in (E4000, EWOULDBLOCK)', '18: error is never "EWOULDBLOCK"; use EAGAIN, which is the same'],
  ['icmp == admin-prohibted', '9: icmp is never "admin-prohibted"; did you mean admin-prohibited?'],
  ['icmp != zzzzzzzz', '9: icmp is never "zzzzzzzz"; use a name such as port-unreachable'],
  ['result == refusd', '11: result is never "refusd"; did you mean refused?'],
  [
    'result == closed',
    '11: result is never "closed"; it is established or refused or timeout or unreachable or reset or denied or aborted or error or pending',
  ],
  ['result > refused', '10: result has no order; compare it with == or in'],
  ['type == dns', '9: type is never "dns"; it is connect or outcome or pending or closed or open'],
  ['via == IO_URING', '8: via is never "IO_URING"; it is connect or sendmsg or io_uring or kernel or mptcp'],
  ['v4mapped == false', '13: v4mapped is true or missing, never "false"; write v4mapped or not v4mapped'],
  ['v4mapped > 1', '12: v4mapped has no order; compare it with == or in'],
  ['ts > yesterday', '6: ts needs a time, not "yesterday"; write one such as 2026-11-23T08:15:30Z'],
  [
    'ts > 2026-02-30T00:00:00Z',
    '6: ts needs a time, not "2026-02-30T00:00:00Z"; write one such as 2026-11-23T08:15:30Z',
  ],
  ['ts > 2026-11-23', '6: ts needs a time, not "2026-11-23"; write one such as 2026-11-23T08:15:30Z'],
  [
    'ts == 2026-11-23T08:15:30.1234567Z',
    '7: ts needs a time, not "2026-11-23T08:15:30.1234567Z"; write one such as 2026-11-23T08:15:30Z',
  ],
  ['names == a, b', '11: expected "and", "or" or the end, not ","; join conditions with "and" or "or"'],
  ['name == *.example.com', '9: "*.example.com" is not a value; use =~ for a pattern, or put it in quotes'],
  ['(dport == 443', '1: "(" is not closed; add a ")"'],
  ['((dport == 443) and uid == 0', '1: "(" is not closed; add a ")"'],
  ['dport == 443)', '13: ")" without a matching "("; remove it'],
  ['dport == 443 AND uid == 0', '14: expected "and", "or" or the end, not "AND"; did you mean and?'],
  ['dport == 443 uid == 0', '14: expected "and", "or" or the end, not "uid"; join conditions with "and" or "or"'],
  ['dport == 443 and', '17: expected a field, not the end; write for example dport == 443'],
  ['not', '4: expected a field, not the end; write for example dport == 443'],
  ['é == 1', '1: expected a field, not "é"; write the field first, as in dport == 443'],
  [
    'comm == "😀" and dprot == 1',
    '17: unknown field "dprot"; did you mean dport? Write .dprot for a field of your own',
  ],
  ['dport == 443;', '10: dport needs a number, not "443;"; write one such as 443, without quotes'],
  ['.age_ms > 5m', '11: unknown unit "m"; use us, ms or s'],
  ['."a b', '2: the quoted text is not closed; add a "'],
];

test('each mistake is reported with its column, its cause and a remedy', () => {
  for (const [expression, message] of wrong) {
    assert.throws(
      () => where(expression),
      (error) => {
        assert.ok(error instanceof ExpressionError, expression);
        assert.equal(error.message, `column ${message}`, expression);
        return true;
      },
    );
  }
});
