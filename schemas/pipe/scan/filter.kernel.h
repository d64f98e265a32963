// Filters lines by their records, and packs those that pass one after the other.
#pragma once
#include "../../generated/filter.layout.h"
#include "kernel.h"

// UNKNOWN leaves the line to JavaScript.
enum { NO, YES, UNKNOWN };

// Returns the value of n digits. It is exact up to 2^53, and the schemas allow no larger numbers.
INLINE double number_value(const u8 *p, u32 n) {
	return n <= 8 ? value8(p, n) : value16(p, n);
}

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

INLINE int is_in_network(const struct networks *networks, const u8 *p) {
	u8 bytes[16];
	int version = address_bytes(p, bytes);
	if (version == 0) return UNKNOWN;
	u64 high = load8(bytes), low = load8(bytes + 8);
	for (int i = 0; i < networks->count; i++) {
		if (networks->rules[i].ipv6 && version == 4) continue;
		const u8 *bits = networks->rules[i].bits, *mask = networks->rules[i].mask;
		if ((high & load8(mask)) == load8(bits) && (low & load8(mask + 8)) == load8(bits + 8)) return YES;
	}
	return NO;
}

INLINE struct verdict *slot_of(struct memory *memory, const u8 *value, u32 length) {
	u64 hash = length;
	u32 at = 0;
	for (; at + 8 <= length; at += 8) hash = (hash ^ load8(value + at)) * 0x9e3779b97f4a7c15;
	if (at < length) hash = (hash ^ load8(value + at) << (8 * (8 - (length - at)))) * 0x9e3779b97f4a7c15;
	return &memory->verdicts[(hash ^ hash >> 29) * 0x9e3779b97f4a7c15 >> (64 - VERDICT_BITS)];
}

INLINE int remembered(struct memory *memory, const u8 *value, u32 length) {
	if (length > sizeof memory->verdicts->value) return UNKNOWN;
	struct verdict *verdict = slot_of(memory, value, length);
	if (verdict->length != length) return UNKNOWN;
	for (u32 i = 0; i < length; i++) if (verdict->value[i] != value[i]) return UNKNOWN;
	return verdict->answer;
}

INLINE int answer(const struct filter *filter, const struct question *question, const u8 *line, const struct record *record) {
	void *data = (u8 *)filter + question->data;
	int place = question->places[record->kind];
	if (question->ask == ASK_TYPE) return place >= 0;
	if (unlikely(place < 0 && record->others)) return UNKNOWN; // it may be an unknown member
	if (!has(record, place)) return question->ask == ASK_REMEMBERED ? ((struct memory *)data)->missing : NO;
	const u8 *value = value_of(line, record, place);
	u32 length = length_of(record, place);
	switch (question->ask) {
	case ASK_WITHIN: return length <= 16 ? is_within(data, number_value(value, length)) : UNKNOWN;
	case ASK_NETWORK: return is_in_network(data, value + 1);
	case ASK_REMEMBERED: return remembered(data, value, length);
	default: return YES;
	}
}

// Filters the lines of the records at `record`, and moves the records of those that pass to the front. Stops at the first line
// without a verdict. Sets `registers` to the number of lines that pass, the question it stopped at, and the kinds of lines it
// has seen (bits).
KERNEL(filter, const struct filter *filter, struct filter_registers *registers) {
	const struct record *first = record;
	struct record *to = record;
	u32 seen = 0;
	for (; record < first + lines; record++) {
		if (record->kind < 0) break;
		seen |= 1u << record->kind;
		int at = filter->wanted >> record->kind & 1 ? filter->first : filter->drops >> record->kind & 1 ? DROP : PASS;
		while (at >= 0) {
			int reply = answer(filter, &filter->questions[at], base + record->start, record);
			if (unlikely(reply == UNKNOWN)) {
				registers->question = at;
				goto end;
			}
			at = reply ? filter->questions[at].yes : filter->questions[at].no;
		}
		if (at == DROP) continue;
		if (to != record)
			for (u32 i = 0; i < sizeof *record; i += 16) wasm_v128_store((u8 *)to + i, wasm_v128_load((u8 *)record + i));
		to++;
	}
end:
	registers->seen = seen;
	registers->passed = to - first;
	return record - first;
}

// Remembers the answer to a question for a line. Returns 0 if it cannot.
KERNEL(learn, struct filter *filter, const struct learn_registers *registers) {
	const struct question *question = &filter->questions[registers->question];
	int place = question->places[record->kind];
	if (!has(record, place)) return 0;
	const u8 *value = value_of(base + record->start, record, place);
	u32 length = length_of(record, place);
	struct memory *memory = (struct memory *)((u8 *)filter + question->data);
	if (length > sizeof memory->verdicts->value) return 0;
	struct verdict *verdict = slot_of(memory, value, length);
	verdict->length = length;
	verdict->answer = registers->answer;
	for (u32 i = 0; i < length; i++) verdict->value[i] = value[i];
	return 1;
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
EXPORT(pack) u8 *pack(const u8 *base, const struct record *record, u32 lines, u8 *to) {
	const struct record *end = record + lines;
	while (record < end) {
		u32 start = record->start, behind = record->end + 1;
		for (record++; record < end && record->start == behind; record++) behind = record->end + 1;
		move_down(to, base + start, behind - start);
		to += behind - start;
	}
	return to;
}
