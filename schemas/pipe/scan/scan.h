// What the scanner of canonical lines, generated/scan.c, is made of: matchers of values that look at 16 bytes at once.
// Each takes a place in bytes that end with a newline, and returns where the value ends, or 0 where it is none or not in
// its one canonical spelling. They may look at up to 32 bytes behind the newline.
#include <wasm_simd128.h>

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

// Whether each byte is from `first` to `last`, which differ from place to place.
INLINE int each_within(v128_t bytes, v128_t first, v128_t last) {
	return wasm_i8x16_all_true(wasm_u8x16_le(wasm_i8x16_sub(bytes, first), wasm_i8x16_sub(last, first)));
}

// How many digits there are, up to 16.
INLINE u32 digits(const u8 *p) {
	return __builtin_ctz(~wasm_i8x16_bitmask(within(wasm_v128_load(p), '0', '9')));
}

// The value of n digits, 1 to 8.
INLINE u64 value8(const u8 *p, u32 n) {
	u64 x = (load8(p) - 0x3030303030303030) << (64 - 8 * n);
	x = x * 10 + (x >> 8);
	return ((x & 0x000000ff000000ff) * 0x000f424000000064 + ((x >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >> 32;
}

// Not in line: few numbers have as many digits as their maximum.
OUTLINE u64 value16(const u8 *p, u32 n) {
	static const u32 powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	return n <= 8 ? value8(p, n) : value8(p, 8) * powers[n - 8] + value8(p + 8, n - 8);
}

// A whole number from min to max, where max has `most` digits.
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

// The length of an escape that canonical lines have: a short one, or \u00XX for the other controls.
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

// The length of a valid character of several bytes; C1 controls are none, since they are escaped.
INLINE u32 multibyte(const u8 *p) {
	u8 lead = p[0], next = p[1];
	if (lead < 0xc2 || lead > 0xf4) return 0;
	if (lead < 0xe0) return continues(next) && !(lead == 0xc2 && next < 0xa0) ? 2 : 0;
	if (!continues(next) || !continues(p[2])) return 0;
	if (lead < 0xf0) return (lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) ? 0 : 3;
	if (!continues(p[3])) return 0;
	return (lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f) ? 0 : 4;
}

// The bytes that do not stand for themselves in a string, or are no character of their own.
INLINE u32 special(const u8 *p) {
	v128_t bytes = wasm_v128_load(p);
	v128_t found = wasm_i8x16_lt(bytes, wasm_i8x16_splat(0x20)); // signed: 0x80 and above are less
	found = wasm_v128_or(found, wasm_i8x16_eq(bytes, wasm_i8x16_splat('"')));
	found = wasm_v128_or(found, wasm_i8x16_eq(bytes, wasm_i8x16_splat('\\')));
	return wasm_i8x16_bitmask(wasm_v128_or(found, wasm_i8x16_eq(bytes, wasm_i8x16_splat(0x7f))));
}

// The rest of a string of min to max characters that began at `text` and is not plain at `p`.
OUTLINE const u8 *rest_of_text(const u8 *p, const u8 *text, u32 min, u32 max) {
	u32 extra = 0; // bytes that are no character of their own
	for (;;) {
		u32 found = special(p);
		if (!found) {
			p += 16;
			continue;
		}
		p += __builtin_ctz(found);
		if (*p == '"') break;
		u32 length = *p == '\\' ? escaped(p) : multibyte(p);
		if (length == 0) return 0;
		p += length;
		extra += length - 1;
	}
	u32 characters = (u32)(p - text) - extra;
	return characters < min || characters > max ? 0 : p + 1;
}

// A string of min to max characters, from behind its first quote to behind its last.
INLINE const u8 *string(const u8 *p, u32 min, u32 max) {
	const u8 *text = p;
	u32 found = special(p);
	while (!found) {
		p += 16;
		found = special(p);
	}
	p += __builtin_ctz(found);
	if (unlikely(*p != '"')) return rest_of_text(p, text, min, max);
	u32 length = p - text;
	return unlikely(length < min || length > max) ? 0 : p + 1;
}

// A number up to 255 of n digits, without leading zeros.
INLINE u32 is_part(const u8 *p, u32 n) {
	u32 x = load4(p), first = x & 0xff;
	u32 ordered = first << 16 | (x & 0xff00) | (x >> 16 & 0xff);
	return (n == 1) | ((n == 2) & (first != '0')) | ((n == 3) & (first != '0') & (ordered <= 0x323535)); // "255"
}

// From behind the first quote to behind the last.
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

// Groups of hexadecimal digits, one run of zeros left out; those that end as IPv4 are left to ajv.
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

INLINE const u8 *find_newline(const u8 *p) {
	u32 found;
	while (!(found = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(p), wasm_i8x16_splat('\n'))))) p += 16;
	return p + __builtin_ctz(found);
}

// Behind the blanks of JSON that a line can have.
INLINE const u8 *blanks(const u8 *p) {
	while (*p == ' ' || *p == '\t' || *p == '\r') p++;
	return p;
}

// Any string of JSON, from behind its first quote to behind its last.
OUTLINE const u8 *any_string(const u8 *p) {
	for (;;) {
		u32 found = special(p);
		if (!found) {
			p += 16;
			continue;
		}
		p += __builtin_ctz(found);
		u8 byte = *p;
		if (byte == '"') return p + 1;
		if (byte == 0x7f) p++;
		else if (byte == '\\') {
			u8 letter = p[1];
			if (letter == 'u') {
				if (!is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5])) return 0;
				p += 6;
			} else if (letter == '"' || letter == '\\' || letter == '/' || letter == 'b' || letter == 'f' || letter == 'n' ||
			           letter == 'r' || letter == 't') p += 2;
			else return 0;
		} else if (byte == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) p += 2; // a C1 control
		else {
			u32 length = multibyte(p);
			if (length == 0) return 0;
			p += length;
		}
	}
}

// Any number of JSON.
OUTLINE const u8 *any_number(const u8 *p) {
	if (*p == '-') p++;
	if (*p == '0') p++;
	else {
		if ((u8)(*p - '1') > 8) return 0;
		while ((u8)(*p - '0') <= 9) p++;
	}
	if (*p == '.') {
		if ((u8)(*++p - '0') > 9) return 0;
		while ((u8)(*p - '0') <= 9) p++;
	}
	if ((*p | 0x20) == 'e') {
		p++;
		if (*p == '+' || *p == '-') p++;
		if ((u8)(*p - '0') > 9) return 0;
		while ((u8)(*p - '0') <= 9) p++;
	}
	return p;
}

// Any value of JSON, nested at most 32 deep.
OUTLINE const u8 *any_value(const u8 *p) {
	u32 depth = 0, objects = 0; // a bit for each level: whether it is an object
	for (;;) {
		switch (*p) {
		case '"':
			if (!(p = any_string(p + 1))) return 0;
			break;
		case 't':
			if (load4(p) != 0x65757274) return 0; // true
			p += 4;
			break;
		case 'f':
			if (load4(p + 1) != 0x65736c61) return 0; // alse
			p += 5;
			break;
		case 'n':
			if (load4(p) != 0x6c6c756e) return 0; // null
			p += 4;
			break;
		case '{':
		case '[': {
			u32 object = *p == '{';
			p = blanks(p + 1);
			if (*p == (object ? '}' : ']')) {
				p++;
				break;
			}
			if (depth++ == 32) return 0;
			objects = objects << 1 | object;
			if (object) goto key;
			continue;
		}
		default:
			if (!(p = any_number(p))) return 0;
		}
	end:
		if (depth == 0) return p;
		p = blanks(p);
		if (*p == ',') {
			p = blanks(p + 1);
			if (objects & 1) goto key;
			continue;
		}
		if (*p++ != (objects & 1 ? '}' : ']')) return 0;
		objects >>= 1;
		depth--;
		goto end;
	key:
		if (*p++ != '"' || !(p = any_string(p))) return 0;
		p = blanks(p);
		if (*p++ != ':') return 0;
		p = blanks(p);
	}
}

// A member of a line's object.
struct member { const u8 *key, *value, *end; u32 length; };

#define MOST_MEMBERS 96
static struct member members[MOST_MEMBERS];

// The members of the object that a line is, in any form that JSON allows, but with keys spelt as they are. Returns where
// the line's newline is, and how many members there are.
OUTLINE const u8 *any_line(const u8 *p, u32 *count) {
	u32 n = 0;
	p = blanks(p);
	if (*p++ != '{') return 0;
	for (;; n++, p++) {
		p = blanks(p);
		if (*p++ != '"' || n == MOST_MEMBERS) return 0;
		struct member *member = &members[n];
		member->key = p;
		if (!(p = any_string(p))) return 0;
		member->length = p - member->key - 1;
		for (const u8 *byte = member->key; byte < p; byte++) if (*byte == '\\') return 0;
		p = blanks(p);
		if (*p++ != ':') return 0;
		p = blanks(p);
		member->value = p;
		if (!(p = any_value(p))) return 0;
		member->end = p;
		p = blanks(p);
		if (*p != ',') break;
	}
	if (*p++ != '}') return 0;
	p = blanks(p);
	if (*p != '\n') return 0;
	*count = n + 1;
	return p;
}
