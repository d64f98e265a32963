// Scans a line in any form that JSON allows.
#pragma once
#include "text.h"

// Skips the blanks of JSON that a line can contain.
INLINE const u8 *blanks(const u8 *p) {
	while (*p == ' ' || *p == '\t' || *p == '\r') p++;
	return p;
}

// Matches any JSON string, from after its opening quote to after its closing quote.
OUTLINE const u8 *any_string(const u8 *p) {
	while (*(p = plain(p)) != '"') {
		u8 byte = *p;
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
	return p + 1;
}

// Matches any JSON number.
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

// Matches any JSON value, nested at most 32 levels deep.
OUTLINE const u8 *any_value(const u8 *p) {
	u32 depth = 0, objects = 0; // one bit per level: whether it is an object
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
static PER_THREAD struct member members[MOST_MEMBERS];

// Finds the members of a line's object, in any form that JSON allows except for keys with escapes. Returns the place of the
// line's newline, and sets `count` to the number of members. Returns 0 if it does not match.
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
