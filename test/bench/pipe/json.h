// JSON for reference.c, accepting what JSON.parse accepts: strings, numbers, any value. Each function takes a position in
// bytes that end with a newline. It returns the position after the value, or 0 if there is no valid one.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef const unsigned char *At;
#define likely(x) __builtin_expect(!!(x), 1)

static unsigned char plain[256]; // bytes that need no decoding in a string: ASCII, not escaped

static int hex(unsigned char c) {
	if (c >= '0' && c <= '9') return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int unit(At p) {
	int value = 0;
	for (int i = 0; i < 4; i++) {
		int digit = hex(p[i]);
		if (digit < 0) return -1;
		value = value * 16 + digit;
	}
	return value;
}

// Returns the length of a multi-byte character, or 0 if it is not valid UTF-8.
static int multibyte(At p) {
	unsigned char a = p[0], b = p[1];
#define follows(c) (((c) & 0xc0) == 0x80)
	if (a < 0xc2 || a > 0xf4 || !follows(b)) return 0;
	if (a < 0xe0) return 2;
	if (!follows(p[2])) return 0;
	if (a < 0xf0) return (a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) ? 0 : 3;
	return !follows(p[3]) || (a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f) ? 0 : 4;
}

// Reads a string, from after its opening quote to after the closing one. `text` receives up to 63 unescaped bytes (the
// fields that are compared as text are shorter); `characters` counts code points.
struct string { At start, end; int characters; bool escaped; };

static At string(At p, struct string *s) {
	s->start = p;
	s->characters = 0;
	s->escaped = false;
	for (;;) {
		At from = p;
		while (plain[*p]) p++;
		s->characters += p - from;
		if (likely(*p == '"')) {
			s->end = p;
			return p + 1;
		}
		s->characters++;
		if (*p == '\\') {
			s->escaped = true;
			if (p[1] == 'u') {
				int code = unit(p + 2);
				if (code < 0) return 0;
				p += 6;
				if (code >= 0xd800 && code < 0xdc00 && p[0] == '\\' && p[1] == 'u') {
					int low = unit(p + 2);
					if (low >= 0xdc00 && low < 0xe000) p += 6; // a surrogate pair is one character
				}
			} else if (p[1] && strchr("\"\\/bfnrt", p[1])) p += 2;
			else return 0;
		} else {
			int bytes = multibyte(p);
			if (bytes == 0) return 0;
			p += bytes;
		}
	}
}

// Returns a short string as text, or 0 if it is too long or has characters that no examined field can have.
static int text_of(const struct string *s, char *into, int room) {
	int n = 0;
	for (At p = s->start; p < s->end; p++) {
		int byte = *p;
		if (byte == '\\') {
			if (p[1] == '/') byte = '/', p++;
			else if (p[1] == 'u' && (byte = unit(p + 2)) < 0x80 && byte >= 0x20) p += 5;
			else return 0;
		}
		if (n == room - 1 || byte >= 0x80) return 0;
		into[n++] = byte;
	}
	into[n] = 0;
	return n;
}

static At number(At p, double *value) {
	At start = p;
	uint64_t whole = 0;
	if (*p == '-') p++;
	if (*p == '0') p++;
	else {
		if (*p < '1' || *p > '9') return 0;
		while ((unsigned)(*p - '0') <= 9) whole = whole * 10 + (*p++ - '0');
	}
	if (likely(*p != '.' && (*p | 0x20) != 'e' && p - start < 16 && *start != '-')) {
		*value = whole;
		return p;
	}
	if (*p == '.') {
		if ((unsigned)(*++p - '0') > 9) return 0;
		while ((unsigned)(*p - '0') <= 9) p++;
	}
	if ((*p | 0x20) == 'e') {
		p++;
		if (*p == '+' || *p == '-') p++;
		if ((unsigned)(*p - '0') > 9) return 0;
		while ((unsigned)(*p - '0') <= 9) p++;
	}
	*value = strtod((const char *)start, 0);
	return p;
}

static At blanks(At p) {
	while (*p == ' ' || *p == '\t' || *p == '\r') p++;
	return p;
}

static At any(At p, int depth) {
	struct string s;
	double n;
	if (depth > 1000) return 0;
	if (*p == '"') return string(p + 1, &s);
	if (!strncmp((const char *)p, "true", 4) || !strncmp((const char *)p, "null", 4)) return p + 4;
	if (!strncmp((const char *)p, "false", 5)) return p + 5;
	if (*p != '{' && *p != '[') return number(p, &n);
	bool object = *p == '{';
	unsigned char close = object ? '}' : ']';
	p = blanks(p + 1);
	if (*p == close) return p + 1;
	for (;;) {
		if (object) {
			if (*p != '"' || !(p = string(p + 1, &s))) return 0;
			p = blanks(p);
			if (*p != ':') return 0;
			p = blanks(p + 1);
		}
		if (!(p = any(p, depth + 1))) return 0;
		p = blanks(p);
		if (*p == close) return p + 1;
		if (*p != ',') return 0;
		p = blanks(p + 1);
	}
}
