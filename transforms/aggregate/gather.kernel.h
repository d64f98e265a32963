// Gathers group keys from the records of lines, for aggregate.
#pragma once
#include "../../schemas/generated/gather.layout.h"
#include "../../schemas/pipe/scan/kernel.h"

// Whether an address, which starts after its opening quote, is certainly in standard form: IPv4, or IPv6 by RFC 5952. The
// same as isStandard in address.ts.
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

// Returns a valid `ts` in µs since 1970.
INLINE double time(const u8 *p) {
	u32 seconds = two(p + 11) * 3600 + two(p + 14) * 60 + two(p + 17);
	return day(p) + seconds * 1e6 + value8(p + 20, 6);
}

// Room for everything except the values: the head, the newlines, and what is written past the end.
#define ROOM 128

// Gathers keys from the lines at `record` to `out`, each as a struct gathered. The key is the values of the fields, each
// followed by a newline. Of a virtual field, only the second place can be an address.
KERNEL(gather, const struct gather_plan *plan, void *registers) {
	u32 fields = plan->fields, addresses = plan->addresses, virtuals = plan->virtuals;
	for (u32 done = 0;; done++, record++) {
		if (done == lines || record->kind < 0 || out + ROOM > end) return done;
		const struct gather_kind *kind = &plan->kinds[record->kind];
		if (kind->tag < 0 || !has(record, kind->ts) || has(record, kind->repeat)) return done;
		struct gathered *one = (struct gathered *)out;
		const u8 *line = base + record->start;
		u8 *to = one->key;
		for (u32 i = 0; i < fields; i++) {
			int place = kind->places[2 * i], virtual = virtuals >> i & 1;
			if (unlikely((place < 0 || virtual) && record->others)) return done; // it may be an unknown member
			int first = has(record, place);
			if (!first) place = kind->places[2 * i + 1];
			if (first || has(record, place)) {
				const u8 *value = value_of(line, record, place);
				u32 length = length_of(record, place);
				if (to + length + ROOM > end || (addresses >> i & 1 && !(first && virtual) && !is_standard(value + 1))) return done;
				for (u32 at = 0; at < length; at += 16) wasm_v128_store(to + at, wasm_v128_load(value + at));
				to += length;
			}
			*to++ = '\n';
		}
		one->length = to - one->key;
		one->tag = kind->tag;
		one->time = time(value_of(line, record, kind->ts) + 1);
		for (u32 i = 0; i < 8; i++) to[i] = 0;
		out = one->key + ((one->length + 7) & -8);
	}
}
