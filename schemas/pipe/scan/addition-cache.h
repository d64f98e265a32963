// Appends cached fields to lines: those that were made before for a line with the same values. addition-cache.ts fills the cache.
#pragma once
#include "gather.h"

#define ADDITION_SLOTS (1 << 18)
#define MOST_KEY 96

struct addition {
	int hash, key_words, bytes, room;
	int until, mark, generation, what;
	union {
		int split;
		u32 ids[2]; // if split: one bit for each ID, by its last six bits
	};
	double at, from, to;
	int key[]; // the text follows it
};

// The bits of `what`. REASONS: why there is no name. AGED: an age is inserted at `split`. ZONED: the text has fields that a
// line may have as unknown members. TIMED: it is valid only for attempts in a range of time. SPLIT: there is no text here;
// it depends on more fields.
enum { REASONS = 7, AGED = 8, ZONED = 16, TIMED = 32, SPLIT = 64 };

struct addition_cache {
	int fields, given, more, deep;
	int generations[4096];
	int index[ADDITION_SLOTS];
	struct addition first;
};

INLINE u32 mixed(u32 hash, u32 word) {
	hash = (hash ^ word) * 0x9e3779b1;
	return hash ^ hash >> 15;
}

INLINE void copy(u8 *to, const u8 *from, u32 length) {
	for (u32 at = 0; at < length; at += 16) wasm_v128_store(to + at, wasm_v128_load(from + at));
}

// Returns the time of an event's attempt, in µs since 1970; -1 to leave it to JavaScript.
// `times` has the places of start, ts and, if ts is the end of the attempt, latency_us.
INLINE double attempted(const u8 *line, const u32 *record, const int *times) {
	static u64 known[2];
	static double begin;
	int started = has(record, times[0]), latency = times[2];
	int ts = started ? times[0] : times[1];
	if (!has(record, ts)) return -1;
	const u8 *p = line + (record[HEAD_WORDS + ts] & 0xffff) + 1;
	u64 date = load8(p), rest = load2(p + 8);
	if (known[0] != date || known[1] != rest) {
		begin = day(p);
		known[0] = date;
		known[1] = rest;
	}
	u32 seconds = two(p + 17);
	if (seconds > 59) return -1;
	double at = begin + (two(p + 11) * 3600 + two(p + 14) * 60 + seconds) * 1e6 + value8(p + 20, 6);
	if (started || !has(record, latency)) return at;
	u32 place = record[HEAD_WORDS + latency], length = place >> 16;
	return length > 16 ? -1 : at - (double)value16(line + (place & 0xffff), length);
}

INLINE u8 *write_number(u8 *to, u64 number) {
	u8 digits[20], *p = digits + 20;
	do *--p = '0' + number % 10; while (number /= 10);
	while (p < digits + 20) *to++ = *p++;
	return to;
}

// Writes lines with their cached fields to `out`. Returns how many: it stops at the first line without a text that is valid
// `now`, or that needs JavaScript. Sets `result` to the number of bytes written, and the number of lines without a name for
// each reason. `plan` has for each kind of line: whether to extend it; the places of start, of ts and, if ts is the end of the
// attempt, of latency_us; the places of the key fields, level by level; and the places of the fields that a text adds.
EXPORT(extend) u32 extend(const u8 *base, const u32 *record, u32 lines, const int *plan,
                                                  const struct addition_cache *cache, int now, u8 *out, const u8 *end, int *result) {
	u8 *begin = out;
	u32 done = 0, fields = cache->fields, given = cache->given;
	for (int i = 0; i <= REASONS; i++) result[1 + i] = 0;
	for (; done < lines; done++, record += RECORD_WORDS) {
		if ((int)record[2] < 0) break;
		const int *kind = plan + record[2] * (4 + fields + cache->more + cache->deep + given), *places = kind + 4;
		if (!kind[0]) break;
		const u8 *line = base + record[0];
		u32 others = record[5], size = record[1] - record[0] - 1; // without the brace
		if (line[size] != '}') break;
		int key[MOST_KEY + 16];
		u32 words = 0, hash = 0x811c9dc5, i = 0, until = fields;
		const struct addition *addition;
	more:
		for (; i < until; i++) {
			int place = places[i];
			if (place < 0 && others) goto over;
			u32 length = has(record, place) ? record[HEAD_WORDS + place] >> 16 : 0;
			if (words + (length >> 2) + 2 > MOST_KEY) goto over;
			key[words++] = length;
			hash = mixed(hash, length);
			if (length == 0) continue;
			const u8 *value = line + (record[HEAD_WORDS + place] & 0xffff);
			u32 at = 0;
			for (; at + 4 < length; at += 4) hash = mixed(hash, key[words++] = load4(value + at));
			hash = mixed(hash, key[words++] = load4(value + at) & 0xffffffffu >> 8 * (4 - (length - at)));
		}
		for (u32 slot = hash;; slot++) {
			int at = cache->index[slot & (ADDITION_SLOTS - 1)];
			if (at == 0) goto over;
			addition = (const struct addition *)((const int *)&cache->first + at - 2);
			if ((u32)addition->hash != hash || (u32)addition->key_words != words) continue;
			u32 same = 0;
			while (same < words && addition->key[same] == key[same]) same++;
			if (same == words) break;
		}
		int what = addition->what;
		if (now >= addition->until || cache->generations[addition->mark] != addition->generation || (what & ZONED && others)) break;
		if (what & SPLIT && until == fields) {
			until += cache->more;
			int place = places[until];
			if (has(record, place)) {
				u32 id = record[HEAD_WORDS + place], length = id >> 16;
				if (length > 16) break;
				id = value16(line + (id & 0xffff), length);
				if (addition->ids[id >> 5 & 1] >> (id & 31) & 1) until += cache->deep;
			}
			goto more;
		}
		for (u32 i = 0; i < given; i++) {
			int place = places[fields + cache->more + cache->deep + i];
			if (place < 0 ? others : (u32)has(record, place)) goto over;
		}
		u32 bytes = addition->bytes;
		if (out + size + bytes + 64 > end) break;
		const u8 *from = (const u8 *)(addition->key + words);
		double at = 0;
		if (what & TIMED) {
			at = attempted(line, record, kind + 1);
			if (!(at >= addition->from && at < addition->to)) break;
		}
		if (what & AGED) {
			copy(out, line, size);
			out += size;
			copy(out, from, addition->split);
			out = write_number(out + addition->split, (u64)((at - addition->at) / 1000));
			copy(out, from + addition->split, bytes - addition->split);
			out += bytes - addition->split;
		} else {
			copy(out, line, size);
			out += size;
			copy(out, from, bytes);
			out += bytes;
		}
		*out++ = '}';
		*out++ = '\n';
		result[1 + (what & REASONS)]++;
	}
over:
	result[0] = out - begin;
	return done;
}
