// What a filter costs in C. Reads connect events from stdin, validates each line against schemas/connect.schema.json, and
// writes those whose dport is from FIRST to LAST, unchanged.
//
//     reference FIRST LAST
//
// It accepts a line exactly if JSON.parse and ajv do, in one pass and in any form that JSON allows: UTF-8, escapes,
// numbers as doubles, nested values in unknown members. One exception: it rejects keys spelt with escapes. Exits with 1 if
// a line was invalid, and says how many were.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <unistd.h>
#include "json.h"

enum kind { TYPE, ONE, INTEGER, TIME, DIGITS, TEXT, FAMILY, TRUE, ADDRESS, VIA, ERROR, SOURCE, TEXTS };
// In the order in which the collector writes them.
static const struct field {
	const char *name;
	enum kind kind;
	double least, most; // the number's value, or how many characters
	bool required;
} fields[] = {
	{"type", TYPE, 0, 0, true},
	{"v", ONE, 1, 1, true},
	{"seq", INTEGER, 1, 9007199254740991, true},
	{"ts", TIME, 0, 0, true},
	{"id", DIGITS, 0, 0, true},
	{"pid", INTEGER, 0, 4294967295, true},
	{"tid", INTEGER, 0, 4294967295, false},
	{"ppid", INTEGER, 0, 4294967295, false},
	{"uid", INTEGER, 0, 4294967295, false},
	{"gid", INTEGER, 0, 4294967295, false},
	{"comm", TEXT, 0, 15, true},
	{"pcomm", TEXT, 0, 15, false},
	{"exe", TEXT, 1, 300, false},
	{"netns", INTEGER, 0, 4294967295, false},
	{"cgroup", DIGITS, 0, 0, false},
	{"family", FAMILY, 0, 0, true},
	{"v4mapped", TRUE, 0, 0, false},
	{"saddr", ADDRESS, 0, 0, false},
	{"sport", INTEGER, 1, 65535, false},
	{"daddr", ADDRESS, 0, 0, true},
	{"dport", INTEGER, 0, 65535, true},
	{"via", VIA, 0, 0, true},
	{"errno", INTEGER, 1, 4095, false},
	{"error", ERROR, 0, 0, false},
	{"name", TEXT, 1, 1024, false},
	{"name_source", SOURCE, 0, 0, false},
	{"name_verified", TRUE, 0, 0, false},
	{"name_age_ms", INTEGER, 0, 9007199254740991, false},
	{"names", TEXTS, 2, 8, false},
	{"dns_latency_us", INTEGER, 0, 9007199254740991, false},
	{"saddr_name", TEXT, 1, 1024, false},
	{"service", TEXT, 1, 255, false},
	{"user", TEXT, 1, 255, false},
	{"group", TEXT, 1, 255, false},
	{"unit", TEXT, 1, 255, false},
	{"container", TEXT, 1, 255, false},
	{"runtime", TEXT, 1, 255, false},
	{"pod", TEXT, 1, 255, false},
	{"host", TEXT, 1, 255, false},
};
#define FIELDS (int)(sizeof fields / sizeof *fields)
static uint8_t lengths[FIELDS];
static uint64_t required;

static bool two(const char *p, int least, int most) {
	if ((unsigned)(p[0] - '0') > 9 || (unsigned)(p[1] - '0') > 9) return false;
	int value = (p[0] - '0') * 10 + p[1] - '0';
	return value >= least && value <= most;
}

// 2026-11-23T08:15:30.123456Z
static bool is_time(const char *p, int n) {
	if (n != 27 || p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':' || p[19] != '.' || p[26] != 'Z')
		return false;
	return two(p, 0, 99) && two(p + 2, 0, 99) && two(p + 5, 1, 12) && two(p + 8, 1, 31) && two(p + 11, 0, 23) &&
	       two(p + 14, 0, 59) && two(p + 17, 0, 59) && two(p + 20, 0, 99) && two(p + 22, 0, 99) && two(p + 24, 0, 99);
}

static bool is_digits(const char *p, int n) {
	for (int i = 0; i < n; i++) if ((unsigned)(p[i] - '0') > 9) return false;
	return n >= 1 && n <= 20;
}

static bool is_error(const char *p, int n) {
	for (int i = 1; i < n; i++) if (!((p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= '0' && p[i] <= '9'))) return false;
	return n >= 2 && n <= 32 && p[0] == 'E';
}

static bool is_ipv4(const char *p, int n) {
	const char *end = p + n;
	for (int part = 0; part < 4; part++) {
		int value = 0, digits = 0;
		for (; p < end && (unsigned)(*p - '0') <= 9; p++) {
			if (digits++ && value == 0) return false;
			if ((value = value * 10 + *p - '0') > 255) return false;
		}
		if (!digits || (part < 3 && (p == end || *p++ != '.'))) return false;
	}
	return p == end;
}

static bool is_ipv6(const char *p, int n) {
	unsigned char address[16];
	char copy[64];
	if (n >= (int)sizeof copy) return false;
	memcpy(copy, p, n);
	copy[n] = 0;
	return inet_pton(AF_INET6, copy, address) == 1;
}

static bool is(const char *p, int n, const char *word) {
	return (int)strlen(word) == n && !memcmp(p, word, n);
}

static bool one_of(const char *p, int n, const char *const *words) {
	for (; *words; words++) if (is(p, n, *words)) return true;
	return false;
}

// Reads the value of a field. Returns the position after it, or 0 if it is not valid.
static At value(At p, const struct field *f, double *n) {
	static const char *const vias[] = {"connect", "sendmsg", "io_uring", "kernel", "mptcp", 0};
	static const char *const sources[] = {"dns", "hosts", "ptr", 0};
	struct string s;
	char copy[64];
	const char *text;
	int length;
	switch (f->kind) {
	case ONE:
	case INTEGER:
		if (!(p = number(p, n)) || !(*n >= f->least && *n <= f->most)) return 0;
		return *n == (double)(uint64_t)*n ? p : 0;
	case FAMILY: return (p = number(p, n)) && (*n == 4 || *n == 6) ? p : 0;
	case TRUE: return strncmp((const char *)p, "true", 4) ? 0 : p + 4;
	case TEXT:
		if (*p != '"' || !(p = string(p + 1, &s))) return 0;
		return s.characters >= f->least && s.characters <= f->most ? p : 0;
	case TEXTS: {
		int count = 0;
		if (*p++ != '[') return 0;
		do {
			p = blanks(p);
			if (*p != '"' || !(p = string(p + 1, &s)) || s.characters < 1 || s.characters > 1024) return 0;
			count++;
			p = blanks(p);
		} while (*p++ == ',');
		return p[-1] == ']' && count >= f->least && count <= f->most ? p : 0;
	}
	default: break;
	}
	if (*p != '"' || !(p = string(p + 1, &s))) return 0;
	text = (const char *)s.start;
	length = s.end - s.start;
	if (s.escaped) {
		if ((length = text_of(&s, copy, sizeof copy)) == 0) return 0;
		text = copy;
	}
	bool good = false;
	switch (f->kind) {
	case TYPE: good = is(text, length, "connect"); break;
	case TIME: good = is_time(text, length); break;
	case DIGITS: good = is_digits(text, length); break;
	case ERROR: good = is_error(text, length); break;
	case VIA: good = one_of(text, length, vias); break;
	case SOURCE: good = one_of(text, length, sources); break;
	case ADDRESS: good = is_ipv4(text, length) || is_ipv6(text, length); break;
	default: break;
	}
	return good ? p : 0;
}

static int find(At key, int length) {
	for (int i = 0; i < FIELDS; i++) if (lengths[i] == length && !memcmp(fields[i].name, key, length)) return i;
	return -1;
}

#define bit(name) (1ull << find((At)name, sizeof name - 1))

// Whether a line that ends with a newline is a valid event. Also sets its port.
static bool valid(At p, double *dport) {
	static uint64_t needs_name, name, err, error;
	if (!name) {
		name = bit("name"), err = bit("errno"), error = bit("error");
		needs_name = bit("name_source") | bit("name_verified") | bit("name_age_ms") | bit("names") | bit("dns_latency_us");
	}
	uint64_t seen = 0;
	int next = 0;
	p = blanks(p);
	if (*p != '{') return false;
	for (;;) {
		p = blanks(p + 1);
		if (*p++ != '"') return false;
		int found = -1;
		for (int i = next; i < FIELDS && i < next + 4; i++) // usually it is the next field, or one was omitted
			if (*p == *fields[i].name && p[lengths[i]] == '"' && !memcmp(p, fields[i].name, lengths[i])) {
				found = i;
				p += lengths[i] + 1;
				break;
			}
		if (found < 0) {
			struct string key;
			if (!(p = string(p, &key)) || key.escaped) return false;
			found = find(key.start, key.end - key.start);
		}
		p = blanks(p);
		if (*p != ':') return false;
		p = blanks(p + 1);
		if (found < 0) p = any(p, 0);
		else {
			double n = 0;
			p = value(p, &fields[found], &n);
			if (fields[found].name[0] == 'd' && fields[found].name[1] == 'p') *dport = n;
			seen |= 1ull << found;
			next = found + 1;
		}
		if (!p) return false;
		p = blanks(p);
		if (*p == ',') continue;
		if (*p != '}') return false;
		p = blanks(p + 1);
		if (*p != '\n') return false;
		if ((seen & required) != required) return false;
		if (!(seen & err) != !(seen & error)) return false;
		return !(seen & needs_name) || (seen & name);
	}
}

static void write_all(const unsigned char *p, size_t n) {
	while (n > 0) {
		ssize_t put = write(1, p, n);
		if (put < 0) exit(0);
		p += put;
		n -= put;
	}
}

int main(int argc, char **argv) {
	if (argc != 3) errx(2, "needs FIRST and LAST");
	double first = atof(argv[1]), last = atof(argv[2]);
	for (int i = 0; i < FIELDS; i++) {
		lengths[i] = strlen(fields[i].name);
		if (fields[i].required) required |= 1ull << i;
	}
	for (int c = 0x20; c < 0x80; c++) plain[c] = c != '"' && c != '\\';
	enum { room = 1 << 20 };
	unsigned char *in = calloc(1, room + 64), *out = malloc(room);
	size_t held = 0, filled = 0;
	long invalid = 0;
	for (;;) {
		ssize_t got = read(0, in + held, room - 1 - held);
		if (got < 0) err(1, "read");
		if (got == 0 && held > 0) in[held] = '\n', got = 1; // ends the last line
		if (got == 0) break;
		size_t end = held + got, at = 0;
		for (unsigned char *newline; (newline = memchr(in + at, '\n', end - at)); at = newline + 1 - in) {
			double dport = -1;
			size_t length = newline + 1 - (in + at);
			if (length == 1) continue;
			if (!valid(in + at, &dport)) invalid++;
			else if (dport >= first && dport <= last) {
				if (filled + length > room) write_all(out, filled), filled = 0;
				memcpy(out + filled, in + at, length);
				filled += length;
			}
		}
		write_all(out, filled);
		filled = 0;
		held = end - at;
		if (held >= room - 1) errx(1, "a line is too long");
		memmove(in, in + at, held);
	}
	if (invalid) errx(1, "%ld invalid lines", invalid);
}
