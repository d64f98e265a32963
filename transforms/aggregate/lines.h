// Writes rows of counts as lines. Part of table.c.
#pragma once

#define MOST_DIGITS 16
#define INEXACT 9007199254740992.0

INLINE u8 *copy(u8 *to, const u8 *from, u32 length) {
	u32 at = 0;
	for (; at + 8 <= length; at += 8) *(u64 *)(to + at) = load8(from + at);
	for (; at < length; at++) to[at] = from[at];
	return to + length;
}

INLINE u8 *number(u8 *to, u64 value) {
	u32 digits = 1;
	for (u64 above = 10; above <= value; above *= 10) digits++;
	for (u32 at = digits; at--; value /= 10) to[at] = '0' + value % 10;
	return to + digits;
}

// Writes rows as lines, and replaces each row's number in `list` by the end of its line. Returns the number of lines. Stops
// early if there may not be enough room before `end`, or at a count that is not exact.
EXPORT(write) u32 write(const struct piece *pieces, u32 count, u32 *list, u32 many, u8 *out, const u8 *end) {
	const u8 *begin = out, *parts[MOST_PARTS + 1];
	u32 most = 1;
	for (u32 i = 0; i < count; i++) most += pieces[i].length + MOST_DIGITS;
	for (u32 done = 0; done < many; done++) {
		const struct row *row = row_at(list[done]);
		if (row->length + most > (u32)(end - out)) return done;
		parts[0] = row->key;
		for (u32 at = 0, part = 0; at < row->length; at++) if (row->key[at] == '\n') parts[++part] = row->key + at + 1;
		u8 *to = out;
		for (const struct piece *piece = pieces; piece < pieces + count; piece++) {
			if (piece->part >= 0) {
				const u8 *from = parts[piece->part];
				u32 length = parts[piece->part + 1] - 1 - from;
				if (length) to = copy(copy(to, piece->text, piece->length), from, length);
				continue;
			}
			double value = piece->column < 0 ? 0 : row->columns[piece->column];
			if (value >= INEXACT) return done;
			if (value == 0 && !piece->always) continue;
			to = copy(to, piece->text, piece->length);
			if (piece->column >= 0) to = number(to, value);
		}
		list[done] = to - begin;
		*to++ = '\n';
		out = to;
	}
	return many;
}
