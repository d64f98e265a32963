// What kernels have in common. A kernel is a file NAME.kernel.h in the runtime or beside a stage, with functions that process
// many scanned lines at once. The generated scan.c includes all of them. In TypeScript, `ScannedLines.run` calls them.
#pragma once
#include "text.h"

// Declares a kernel's function. It gets `lines` records, its own memory, and room for output from `out` to `end`. It returns
// how many lines it has processed, from the first: it stops at a line that needs JavaScript. `registers` points to 16 words
// that TypeScript can set before the call, and read after it.
#define UNUSED __attribute__((unused))
#define KERNEL(name, memory, registers) \
	EXPORT(name) u32 name(UNUSED const u8 *base, UNUSED struct record *record, UNUSED u32 lines, memory, UNUSED u8 *out, \
	                      UNUSED const u8 *end, UNUSED registers)

INLINE int has(const struct record *record, int place) {
	return place >= 0 && record->fields[place >> 5] >> (place & 31) & 1;
}

// Returns the length of a field's value, and where it starts. The line must have the field.
INLINE u32 length_of(const struct record *record, int place) { return record->places[place] >> 16; }
INLINE const u8 *value_of(const u8 *line, const struct record *record, int place) {
	return line + (record->places[place] & 0xffff);
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

// Copies bytes. It may read and write up to 15 bytes more.
INLINE void copy(u8 *to, const u8 *from, u32 length) {
	for (u32 at = 0; at < length; at += 16) wasm_v128_store(to + at, wasm_v128_load(from + at));
}

INLINE u8 *write_number(u8 *to, u64 number) {
	u8 digits[20], *p = digits + 20;
	do *--p = '0' + number % 10; while (number /= 10);
	while (p < digits + 20) *to++ = *p++;
	return to;
}

INLINE u8 *write_digits(u8 *to, u32 number, u32 digits) {
	for (u32 i = digits; i--; number /= 10) to[i] = '0' + number % 10;
	return to + digits;
}

// Returns the second of the day. Returns -1 if the day does not exist, or is not from 2002 to 2105: then the seconds since 1970
// have ten digits and 32 bits.
INLINE int second_of_day(const u8 *time) {
	u32 year = two(time) * 100 + two(time + 2), month = two(time + 5), day = two(time + 8);
	u32 february = 28 + (year % 4 == 0 && (year % 100 || year % 400 == 0));
	if (year < 2002 || year > 2105 || day > (month == 2 ? february : 30 + ((month ^ month >> 3) & 1))) return -1;
	return two(time + 11) * 3600 + two(time + 14) * 60 + two(time + 17);
}

// Writes a time in nanoseconds since 1970. Returns 0 to leave it to JavaScript.
INLINE u8 *write_nanoseconds(u8 *to, const u8 *time) {
	static u8 known[32], seconds[16];
	if (!equal_bytes(known, time, 19)) {
		int second = second_of_day(time);
		if (second < 0) return 0;
		write_digits(seconds, (u32)(day(time) / 1e6) + second, 10);
		copy(known, time, 19);
	}
	copy(to, seconds, 10);
	copy(to + 10, time + 20, 6);
	return write_digits(to + 16, 0, 3);
}
