// The building blocks of the scanner of canonical lines (generated/scan.c): this file, text.h and any.h. They look at 16
// bytes at once. A matcher takes a place in bytes that end with a newline, and returns the end of the value, or 0 if there is
// no value of that type in canonical form. It may read up to 32 bytes after the newline.
#pragma once
#include "../../generated/record.layout.h"
#include "machine.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define INLINE static inline __attribute__((always_inline))
#define OUTLINE static __attribute__((noinline))
#define unlikely(x) __builtin_expect(!!(x), 0)

INLINE u64 load8(const u8 *p) { u64 x; __builtin_memcpy(&x, p, 8); return x; }
INLINE u32 load4(const u8 *p) { u32 x; __builtin_memcpy(&x, p, 4); return x; }
INLINE u32 load2(const u8 *p) { u16 x; __builtin_memcpy(&x, p, 2); return x; }

INLINE v128_t within(v128_t bytes, u8 first, u8 last) {
	return wasm_u8x16_le(wasm_i8x16_sub(bytes, wasm_i8x16_splat(first)), wasm_i8x16_splat(last - first));
}

// Whether each byte is in its own range, from `first` to `last`.
INLINE int each_within(v128_t bytes, v128_t first, v128_t last) {
	return wasm_i8x16_all_true(wasm_u8x16_le(wasm_i8x16_sub(bytes, first), wasm_i8x16_sub(last, first)));
}

// Returns how many of the next 16 bytes are digits, up to the first that is not.
INLINE u32 digits(const u8 *p) {
	return __builtin_ctz(~wasm_i8x16_bitmask(within(wasm_v128_load(p), '0', '9')));
}

// Returns the value of n digits, 1 to 8.
INLINE u64 value8(const u8 *p, u32 n) {
	u64 x = (load8(p) - 0x3030303030303030) << (64 - 8 * n);
	x = x * 10 + (x >> 8);
	return ((x & 0x000000ff000000ff) * 0x000f424000000064 + ((x >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >> 32;
}

// Returns the value of n digits, 1 to 16. Not inline: few numbers have as many digits as their maximum.
OUTLINE u64 value16(const u8 *p, u32 n) {
	static const u32 powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	return n <= 8 ? value8(p, n) : value8(p, 8) * powers[n - 8] + value8(p + 8, n - 8);
}

// Matches a whole number from min to max, where max has `most` digits.
INLINE const u8 *integer(const u8 *p, u64 min, u64 max, u32 most) {
	u32 n = digits(p);
	if (unlikely(n == 0 || n > most || (n > 1 && *p == '0'))) return 0;
	if (min == 1 && *p == '0') return 0;
	if (min > 1 || n == most) {
		u64 value = value16(p, n);
		if (unlikely(value > max || value < min)) return 0;
	}
	return p + n;
}

INLINE int equal_bytes(const u8 *a, const u8 *b, u32 length) {
	for (u32 at = 0; at < length; at += 16) {
		v128_t same = wasm_i8x16_eq(wasm_v128_load(a + at), wasm_v128_load(b + at));
		u32 left = length - at;
		if ((~wasm_i8x16_bitmask(same) & (left < 16 ? (1u << left) - 1 : 0xffff)) != 0) return 0;
	}
	return 1;
}

INLINE const u8 *find_newline(const u8 *p) {
	u32 found;
	while (!(found = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(p), wasm_i8x16_splat('\n'))))) p += 16;
	return p + __builtin_ctz(found);
}
