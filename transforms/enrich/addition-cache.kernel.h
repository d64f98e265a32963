// Appends cached fields to lines: those that were made before for a line with the same values. addition-cache.ts fills the cache.
#pragma once
#include "../../schemas/generated/addition-cache.layout.h"
#include "../../schemas/pipe/scan/kernel.h"

INLINE u32 mixed(u32 hash, u32 word) {
	hash = (hash ^ word) * HASH_FACTOR;
	return hash ^ hash >> 15;
}

// Returns the time of an event's attempt, in µs since 1970; -1 to leave it to JavaScript.
INLINE double attempted(const u8 *line, const struct record *record, const struct addition_kind *kind) {
	static u64 known[2];
	static double begin;
	int started = has(record, kind->start), ts = started ? kind->start : kind->ts;
	if (!has(record, ts)) return -1;
	const u8 *p = value_of(line, record, ts) + 1;
	u64 date = load8(p), rest = load2(p + 8);
	if (known[0] != date || known[1] != rest) {
		begin = day(p);
		known[0] = date;
		known[1] = rest;
	}
	u32 seconds = two(p + 17);
	if (seconds > 59) return -1;
	double at = begin + (two(p + 11) * 3600 + two(p + 14) * 60 + seconds) * 1e6 + value8(p + 20, 6);
	if (started || !has(record, kind->latency)) return at;
	u32 length = length_of(record, kind->latency);
	return length > 16 ? -1 : at - (double)value16(value_of(line, record, kind->latency), length);
}

// Writes lines with their cached fields to `out`. Stops at the first line without a text that is valid now, or that needs
// JavaScript.
KERNEL(extend, const struct addition_cache *cache, struct extend_registers *registers) {
	u8 *begin = out;
	int now = registers->now;
	u32 done = 0, given = cache->given;
	for (int i = 0; i <= REASON_BITS; i++) registers->unnamed[i] = 0;
	for (; done < lines; done++, record++) {
		if (record->kind < 0) break;
		const struct addition_kind *kind = &cache->kinds[record->kind];
		if (!kind->extended) break;
		const u8 *line = base + record->start;
		u32 others = record->others, size = record->end - record->start - 1; // without the brace
		if (line[size] != '}') break;
		int key[MOST_KEY_WORDS + 16];
		u32 words = 0, hash = HASH_START, i = 0, level = 0;
		const struct addition *addition;
	more:
		for (u32 until = cache->levels[level]; i < until; i++) {
			int place = kind->key[i];
			if (place < 0 && others) goto over;
			u32 length = has(record, place) ? length_of(record, place) : 0;
			if (words + (length >> 2) + 2 > MOST_KEY_WORDS) goto over;
			key[words++] = length;
			hash = mixed(hash, length);
			if (length == 0) continue;
			const u8 *value = value_of(line, record, place);
			u32 at = 0;
			for (; at + 4 < length; at += 4) hash = mixed(hash, key[words++] = load4(value + at));
			hash = mixed(hash, key[words++] = load4(value + at) & 0xffffffffu >> 8 * (4 - (length - at)));
		}
		for (u32 slot = hash;; slot++) {
			int at = cache->index[slot & (SLOTS - 1)];
			if (at == 0) goto over;
			addition = (const struct addition *)(cache->arena + at);
			if (addition->hash != hash || addition->key_words != words) continue;
			u32 same = 0;
			while (same < words && addition->key[same] == key[same]) same++;
			if (same == words) break;
		}
		int what = addition->what;
		if (now >= addition->until || cache->generations[addition->mark] != addition->generation || (what & ZONED && others)) break;
		if (what & SPLIT && level == 0) {
			level = 1;
			int place = kind->key[cache->levels[1]];
			if (has(record, place)) {
				u32 length = length_of(record, place);
				if (length > 16) break;
				u32 id = value16(value_of(line, record, place), length);
				if (addition->ids[id >> 5 & 1] >> (id & 31) & 1) level = 2;
			}
			goto more;
		}
		for (u32 i = 0; i < given; i++) {
			int place = kind->given[i];
			if (place < 0 ? others : (u32)has(record, place)) goto over;
		}
		u32 bytes = addition->bytes, before = what & AGED ? addition->before : bytes;
		if (out + size + bytes + 64 > end) break;
		const u8 *from = (const u8 *)(addition->key + words);
		double at = 0;
		if (what & TIMED) {
			at = attempted(line, record, kind);
			if (!(at >= addition->from && at < addition->to)) break;
		}
		copy(out, line, size);
		out += size;
		copy(out, from, before);
		out += before;
		if (what & AGED) {
			out = write_number(out, (u64)((at - addition->answered) / 1000));
			copy(out, from + before, bytes - before);
			out += bytes - before;
		}
		*out++ = '}';
		*out++ = '\n';
		registers->unnamed[what & REASON_BITS]++;
	}
over:
	registers->bytes = out - begin;
	return done;
}
