// Filters lines by their records, and packs those that pass one after the other.
#pragma once
#include "text.h"

// A filter (`plan`) is a graph of questions, written by compiled-filter.ts. It starts with FILTER_HEAD words: the kinds of
// lines that the questions apply to (bits), the first question, and the kinds that never pass (bits). All other kinds pass.
// Each answer leads to the index of another question, or to one of these verdicts.
#define FILTER_HEAD 4
enum { PASS = -1, DROP = -2 };

struct question {
	int what, yes, no;
	int more;          // the place of its data, in words from the start of the filter
	int places[KINDS]; // of the field, for each kind of line
};

enum { IS_KIND, HAS, WITHIN, NETWORK, REMEMBERED };

// UNKNOWN leaves the line to JavaScript.
enum { NO, YES, UNKNOWN };

// Returns the value of n digits. It is exact up to 2^53, and the schemas allow no larger numbers.
INLINE double number_value(const u8 *p, u32 n) {
	return n <= 8 ? value8(p, n) : value16(p, n);
}

struct ranges { int count, unused; double bounds[]; };

INLINE int is_within(const struct ranges *ranges, double value) {
	for (int i = 0; i < ranges->count; i++)
		if (value >= ranges->bounds[2 * i] && value <= ranges->bounds[2 * i + 1]) return YES;
	return NO;
}

// Parses an address that starts after its opening quote to 16 bytes, IPv4 as ::ffff:a.b.c.d. Returns its version, or 0 if it
// is in a form that is not handled here.
OUTLINE int address_bytes(const u8 *p, u8 *bytes) {
	u8 *to = bytes, *gap = 0;
	int version = 6;
	for (;;) {
		const u8 *group = p;
		u32 hex = 0, decimal = 0;
		for (;; p++) {
			u32 digit = (u8)(*p - '0') <= 9 ? *p - '0' : (u8)((*p | 0x20) - 'a') <= 5 ? (*p | 0x20) - 'a' + 10 : 16;
			if (digit == 16) break;
			hex = hex << 4 | digit;
			decimal = decimal * 10 + digit;
		}
		if (*p == '.') {
			if (to == bytes && !gap) {
				static const u8 mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
				__builtin_memcpy(bytes, mapped, 12);
				to = bytes + 12;
				version = 4;
			}
			if (to > bytes + 12) return 0;
			*to++ = decimal;
			for (int part = 0; part < 3; part++) {
				for (decimal = 0, p++; (u8)(*p - '0') <= 9; p++) decimal = decimal * 10 + *p - '0';
				*to++ = decimal;
			}
			break;
		}
		if (p > group) {
			if (to > bytes + 14) return 0;
			*to++ = hex >> 8;
			*to++ = hex;
		}
		if (*p != ':') break;
		if (*++p == ':') {
			if (gap) return 0;
			gap = to;
			p++;
		}
	}
	if (*p != '"') return 0;
	if (to < bytes + 16) {
		if (!gap) return 0;
		u32 behind = to - gap, missing = bytes + 16 - to;
		for (u32 i = behind; i-- > 0;) gap[i + missing] = gap[i];
		for (u32 i = 0; i < missing; i++) gap[i] = 0;
	}
	return version;
}

// Rules with `ipv6` match no IPv4 address.
struct networks { int count, unused; struct { int ipv6, unused; u64 bits[2], mask[2]; } rules[]; };

INLINE int is_in_network(const struct networks *networks, const u8 *p) {
	u8 bytes[16];
	int version = address_bytes(p, bytes);
	if (version == 0) return UNKNOWN;
	u64 high = load8(bytes), low = load8(bytes + 8);
	for (int i = 0; i < networks->count; i++) {
		if (networks->rules[i].ipv6 && version == 4) continue;
		const u64 *bits = networks->rules[i].bits, *mask = networks->rules[i].mask;
		if ((high & mask[0]) == bits[0] && (low & mask[1]) == bits[1]) return YES;
	}
	return NO;
}

// Remembered answers, by the bytes of the value. A value has one possible slot, which it shares with others.
#define SLOTS 2048
struct verdict { u8 length, answer, value[62]; };
struct memory { int missing, unused; struct verdict verdicts[SLOTS]; };

INLINE struct verdict *slot_of(struct memory *memory, const u8 *value, u32 length) {
	u64 hash = length;
	u32 at = 0;
	for (; at + 8 <= length; at += 8) hash = (hash ^ load8(value + at)) * 0x9e3779b97f4a7c15;
	if (at < length) hash = (hash ^ load8(value + at) << (8 * (8 - (length - at)))) * 0x9e3779b97f4a7c15;
	return &memory->verdicts[(hash ^ hash >> 29) * 0x9e3779b97f4a7c15 >> 53];
}

INLINE int remembered(struct memory *memory, const u8 *value, u32 length) {
	if (length > sizeof memory->verdicts->value) return UNKNOWN;
	struct verdict *verdict = slot_of(memory, value, length);
	if (verdict->length != length) return UNKNOWN;
	for (u32 i = 0; i < length; i++) if (verdict->value[i] != value[i]) return UNKNOWN;
	return verdict->answer;
}

// Remembers the answer for a value. Returns 0 if the value is too long or empty.
EXPORT(learn) int learn(struct memory *memory, const u8 *value, u32 length, int answer) {
	if (length > sizeof memory->verdicts->value || length == 0) return 0;
	struct verdict *verdict = slot_of(memory, value, length);
	verdict->length = length;
	verdict->answer = answer;
	for (u32 i = 0; i < length; i++) verdict->value[i] = value[i];
	return 1;
}

INLINE int answer(int *plan, const struct question *question, const u8 *line, const u32 *record) {
	void *more = plan + question->more;
	int place = question->places[record[2]];
	if (question->what == IS_KIND) return place >= 0;
	if (unlikely(place < 0 && record[5])) return UNKNOWN; // it may be an unknown member
	if (!has(record, place)) return question->what == REMEMBERED ? ((struct memory *)more)->missing : NO;
	const u8 *value = line + (record[HEAD_WORDS + place] & 0xffff);
	u32 length = record[HEAD_WORDS + place] >> 16;
	switch (question->what) {
	case WITHIN: return length <= 16 ? is_within(more, number_value(value, length)) : UNKNOWN;
	case NETWORK: return is_in_network(more, value + 1);
	case REMEMBERED: return remembered(more, value, length);
	default: return YES;
	}
}

// Filters the lines of the records at `record`. Moves the records of those that pass to the front. Returns how many lines it
// has filtered: it stops at the first line without a verdict. Sets `result` to the number of lines that pass, the question it
// stopped at (-1: none), and the kinds of lines it has seen (bits).
EXPORT(filter) u32 filter(const u8 *base, u32 *record, u32 lines, int *plan, int *result) {
	const struct question *questions = (const struct question *)(plan + FILTER_HEAD);
	u32 *to = record, done = 0, seen = 0;
	result[1] = -1;
	for (; done < lines; done++, record += RECORD_WORDS) {
		if ((int)record[2] < 0) break;
		seen |= 1u << record[2];
		int at = plan[0] >> record[2] & 1 ? plan[1] : plan[2] >> record[2] & 1 ? DROP : PASS;
		while (at >= 0) {
			int reply = answer(plan, &questions[at], base + record[0], record);
			if (unlikely(reply == UNKNOWN)) {
				result[1] = at;
				goto end;
			}
			at = reply ? questions[at].yes : questions[at].no;
		}
		if (at == DROP) continue;
		if (to != record) for (u32 i = 0; i < RECORD_WORDS; i += 4) wasm_v128_store(to + i, wasm_v128_load(record + i));
		to += RECORD_WORDS;
	}
end:
	result[2] = seen;
	result[0] = (to - (record - done * RECORD_WORDS)) / RECORD_WORDS;
	return done;
}

// Moves bytes to a lower address.
INLINE void move_down(u8 *to, const u8 *from, u32 length) {
	if (to == from) return;
	if (length < 16 || from - to < 16) {
		for (u32 i = 0; i < length; i++) to[i] = from[i];
		return;
	}
	v128_t last = wasm_v128_load(from + length - 16);
	for (u32 at = 0; at + 16 < length; at += 16) wasm_v128_store(to + at, wasm_v128_load(from + at));
	wasm_v128_store(to + length - 16, last);
}

// Packs the lines of these records, with their newlines, one after the other at `to`, which must not be after the first of
// them. Returns the end.
EXPORT(pack) u8 *pack(const u8 *base, const u32 *record, u32 lines, u8 *to) {
	const u32 *end = record + lines * RECORD_WORDS;
	while (record < end) {
		u32 start = record[0], behind = record[1] + 1;
		for (record += RECORD_WORDS; record < end && record[0] == behind; record += RECORD_WORDS) behind = record[1] + 1;
		move_down(to, base + start, behind - start);
		to += behind - start;
	}
	return to;
}
