// Matchers for strings and addresses. Their JavaScript twins are in text.ts.
#pragma once
#include "bytes.h"

// Returns the length of a canonical escape: a short one, or \u00XX for other control characters. 0 if it is not canonical.
OUTLINE u32 escaped(const u8 *p) {
	switch (p[1]) {
	case '"': case '\\': case 'b': case 'f': case 'n': case 'r': case 't': return 2;
	case 'u': break;
	default: return 0;
	}
	if (p[2] != '0' || p[3] != '0') return 0;
	u32 code = 0;
	for (int i = 4; i < 6; i++) {
		u8 digit = p[i];
		if (digit >= '0' && digit <= '9') code = code * 16 + digit - '0';
		else if (digit >= 'a' && digit <= 'f') code = code * 16 + digit - 'a' + 10;
		else return 0;
	}
	if (code >= 0x7f && code <= 0x9f) return 6;
	return code >= 0x20 || code == 8 || code == 9 || code == 10 || code == 12 || code == 13 ? 0 : 6;
}

INLINE int continues(u8 byte) { return (byte & 0xc0) == 0x80; }

// Returns the length of a valid multibyte character, or 0. C1 controls are not valid here: canonical lines escape them.
INLINE u32 multibyte(const u8 *p) {
	u8 lead = p[0], next = p[1];
	if (lead < 0xc2 || lead > 0xf4) return 0;
	if (lead < 0xe0) return continues(next) && !(lead == 0xc2 && next < 0xa0) ? 2 : 0;
	if (!continues(next) || !continues(p[2])) return 0;
	if (lead < 0xf0) return (lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) ? 0 : 3;
	if (!continues(p[3])) return 0;
	return (lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f) ? 0 : 4;
}

// Returns a bit for each byte that is not plain: part of an escape or of a multibyte character, a quote, or a control.
INLINE u32 special(const u8 *p) {
	v128_t bytes = wasm_v128_load(p);
	v128_t found = wasm_i8x16_lt(bytes, wasm_i8x16_splat(0x20)); // signed: 0x80 and above are less
	found = wasm_v128_or(found, wasm_i8x16_eq(bytes, wasm_i8x16_splat('"')));
	found = wasm_v128_or(found, wasm_i8x16_eq(bytes, wasm_i8x16_splat('\\')));
	return wasm_i8x16_bitmask(wasm_v128_or(found, wasm_i8x16_eq(bytes, wasm_i8x16_splat(0x7f))));
}

// Skips plain bytes: those that stand for themselves in a string.
INLINE const u8 *plain(const u8 *p) {
	u32 found;
	while (!(found = special(p))) p += 16;
	return p + __builtin_ctz(found);
}

// Matches the rest of a string of min to max characters that starts at `text` and is not plain at `p`.
OUTLINE const u8 *rest_of_text(const u8 *p, const u8 *text, u32 min, u32 max) {
	u32 extra = 0; // bytes that do not count as characters
	for (; *p != '"'; p = plain(p)) {
		u32 length = *p == '\\' ? escaped(p) : multibyte(p);
		if (length == 0) return 0;
		p += length;
		extra += length - 1;
	}
	u32 characters = (u32)(p - text) - extra;
	return characters < min || characters > max ? 0 : p + 1;
}

// Matches a string of min to max characters, from after its opening quote to after its closing quote.
INLINE const u8 *string(const u8 *p, u32 min, u32 max) {
	const u8 *text = p;
	p = plain(p);
	if (unlikely(*p != '"')) return rest_of_text(p, text, min, max);
	u32 length = p - text;
	return unlikely(length < min || length > max) ? 0 : p + 1;
}

// Whether n digits are a number up to 255 without leading zeros.
INLINE u32 is_part(const u8 *p, u32 n) {
	u32 x = load4(p), first = x & 0xff;
	u32 ordered = first << 16 | (x & 0xff00) | (x >> 16 & 0xff);
	return (n == 1) | ((n == 2) & (first != '0')) | ((n == 3) & (first != '0') & (ordered <= 0x323535)); // "255"
}

// Matches an IPv4 address, from after its opening quote to after its closing quote.
INLINE const u8 *ipv4(const u8 *p) {
	v128_t bytes = wasm_v128_load(p);
	u32 dots = wasm_i8x16_bitmask(wasm_i8x16_eq(bytes, wasm_i8x16_splat('.')));
	u32 length = __builtin_ctz(~(dots | wasm_i8x16_bitmask(within(bytes, '0', '9'))));
	if (p[length] != '"') return 0;
	dots &= (1u << length) - 1;
	if (__builtin_popcount(dots) != 3) return 0;
	u32 a = __builtin_ctz(dots), b = __builtin_ctz(dots &= dots - 1), c = __builtin_ctz(dots & (dots - 1));
	return is_part(p, a) & is_part(p + a + 1, b - a - 1) & is_part(p + b + 1, c - b - 1) & is_part(p + c + 1, length - c - 1)
		? p + length + 1 : 0;
}

INLINE int is_hex(u8 byte) { return (u8)(byte - '0') <= 9 || (u8)((byte | 0x20) - 'a') <= 5; }

// Matches groups of hexadecimal digits, with one run of zeros left out. Addresses that end in IPv4 form are left to ajv.
OUTLINE const u8 *ipv6(const u8 *p) {
	u32 groups = 0, gap = 0;
	if (*p == ':') {
		if (p[1] != ':') return 0;
		gap = 1;
		p += 2;
		if (*p == '"') return p + 1;
	}
	for (;;) {
		const u8 *start = p;
		while (is_hex(*p)) p++;
		if (p == start || p - start > 4 || ++groups > 8) return 0;
		if (*p == '"') return (gap ? groups < 8 : groups == 8) ? p + 1 : 0;
		if (*p++ != ':') return 0;
		if (*p == ':') {
			if (gap) return 0;
			gap = 1;
			p++;
			if (*p == '"') return groups < 8 ? p + 1 : 0;
		}
	}
}
