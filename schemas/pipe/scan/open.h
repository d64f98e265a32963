// Matches objects whose members are not in the schema. The JavaScript twin is open.ts.
#pragma once
#include "text.h"

// Matches a string, a whole number or a boolean.
INLINE const u8 *open_item(const u8 *p) {
	if (*p == '"') return string(p + 1, 0, ~0u);
	if (load4(p) == 0x65757274) return p + 4; // true
	if (*p == 'f') return load4(p + 1) == 0x65736c61 ? p + 5 : 0; // alse
	return integer(p, 0, 9007199254740991, 16);
}

// Matches an object with members of different names, whose values are such items or lists of them. A name consists of plain
// bytes and does not start with a digit. Other objects are left to ajv.
OUTLINE const u8 *open_object(const u8 *p) {
	const u8 *names[MOST_OPEN];
	u32 lengths[MOST_OPEN], count = 0;
	if (*p++ != '{') return 0;
	if (*p == '}') return p + 1;
	for (;; p++, count++) {
		if (*p++ != '"' || count == MOST_OPEN || (u8)(*p - '0') <= 9) return 0;
		const u8 *name = p;
		p = plain(p);
		if (*p != '"' || p[1] != ':') return 0;
		u32 length = p - name;
		for (u32 i = 0; i < count; i++)
			if (lengths[i] == length && equal_bytes(names[i], name, length)) return 0;
		names[count] = name;
		lengths[count] = length;
		p += 2;
		if (*p != '[') {
			if (!(p = open_item(p))) return 0;
		} else if (*++p == ']') p++;
		else {
			for (;; p++) {
				if (!(p = open_item(p))) return 0;
				if (*p != ',') break;
			}
			if (*p++ != ']') return 0;
		}
		if (*p != ',') return *p == '}' ? p + 1 : 0;
	}
}
