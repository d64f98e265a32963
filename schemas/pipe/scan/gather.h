// Gathers group keys from the records of lines, for aggregate.
#pragma once
#include "text.h"

// Whether an address, which starts after its opening quote, is certainly in standard form: IPv4, or IPv6 by RFC 5952. The
// same as isStandard in transforms/aggregate/address.ts.
INLINE int is_standard(const u8 *p) {
	if (*p != ':' && (p[1] == '.' || p[2] == '.' || p[3] == '.')) return 1;
	const u8 *start = p;
	u32 groups = 0, gap = 0;
	for (;;) {
		if (*p == '0') return 0; // a group of 0 may belong in the gap
		const u8 *group = p;
		while ((u8)(*p - '0') <= 9 || (u8)(*p - 'a') <= 5) p++;
		groups += p > group;
		if (*p == '"') break;
		if (*p++ != ':') return 0;
		if (*p == ':') {
			gap = 1;
			if (p++ == start + 1 && *p == 'f') return 0; // it may be IPv4-mapped
		}
		if (*p == '"') break;
	}
	return gap ? groups <= 6 : groups == 8;
}

INLINE int has(const u32 *record, int place) {
	return place >= 0 && record[3 + (place >> 5)] >> (place & 31) & 1;
}

INLINE u32 two(const u8 *p) { return p[0] * 10 + p[1] - 11 * '0'; }

// Returns the start of a day, in µs since 1970.
OUTLINE double day(const u8 *p) {
	// proleptic Gregorian calendar, with years that start in March, counted from 400 years before the year 0
	u32 month = two(p + 5), year = 400 + two(p) * 100 + two(p + 2) - (month <= 2);
	u32 of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + two(p + 8) - 1;
	int days = year * 365 + year / 4 - year / 100 + year / 400 + of_year;
	return (days - 146097 - 719468) * 86400e6;
}

// Returns a valid `ts` in µs since 1970.
INLINE double time(const u8 *p) {
	u32 seconds = two(p + 11) * 3600 + two(p + 14) * 60 + two(p + 17);
	return day(p) + seconds * 1e6 + value8(p + 20, 6);
}

// What is gathered from one line. The bytes of the key follow, padded with zeros to a multiple of 8.
struct gathered {
	u32 length, tag;
	double time;
	u8 key[];
};

// Room for everything except the values: the head, the newlines, and what is written past the end.
#define ROOM 128

// Gathers keys from the lines at `record` to `out`. The key is the values of the fields, each followed by a newline. Returns
// how many lines were gathered: it stops at the first line that needs JavaScript, or does not fit before `end`.
// `plan`, in words: the number of fields (at most 32), which of them are addresses (bits), which are virtual (bits). Then, for
// each kind of line: its tag (-1: not to be gathered), the places of ts and repeat, and two places for each field (-1: none).
// The second place is used if the line does not have the first. Of a virtual field, only the second can be an address.
EXPORT(gather) u32 gather(const u8 *base, const u32 *record, u32 lines, const int *plan, u8 *out,
                                                  const u8 *end) {
	u32 fields = plan[0], addresses = plan[1], virtuals = plan[2];
	plan += 3;
	for (u32 done = 0;; done++, record += RECORD_WORDS) {
		if (done == lines || (int)record[2] < 0 || out + ROOM > end) return done;
		const int *kind = plan + record[2] * (3 + 2 * fields), *places = kind + 3;
		if (kind[0] < 0 || !has(record, kind[1]) || has(record, kind[2])) return done;
		struct gathered *one = (struct gathered *)out;
		const u8 *line = base + record[0];
		u8 *to = one->key;
		for (u32 i = 0; i < fields; i++) {
			int place = places[2 * i], virtual = virtuals >> i & 1;
			if (unlikely((place < 0 || virtual) && record[5])) return done; // it may be an unknown member
			int first = has(record, place);
			if (!first) place = places[2 * i + 1];
			if (first || has(record, place)) {
				const u8 *value = line + (record[HEAD_WORDS + place] & 0xffff);
				u32 length = record[HEAD_WORDS + place] >> 16;
				if (to + length + ROOM > end || (addresses >> i & 1 && !(first && virtual) && !is_standard(value + 1))) return done;
				for (u32 at = 0; at < length; at += 16) wasm_v128_store(to + at, wasm_v128_load(value + at));
				to += length;
			}
			*to++ = '\n';
		}
		one->length = to - one->key;
		one->tag = kind[0];
		one->time = time(line + (record[HEAD_WORDS + kind[1]] & 0xffff) + 1);
		for (u32 i = 0; i < 8; i++) to[i] = 0;
		out = one->key + ((one->length + 7) & -8);
	}
}
