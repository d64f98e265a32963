// Scans lines with ahead.c, in pieces that are offered while others are scanned, sometimes ending the thread half-way.
// Compares the results with scan.c without a thread: `threads SEED ROUNDS`, lines on stdin. For ThreadSanitizer
// there is a gap between pieces: the scanner reads a few bytes after its last newline, but does not use them.
#include "../../../../schemas/generated/record.layout.h"
#include "../../../../schemas/pipe/native/ahead.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned scan(const unsigned char *base, const unsigned char *from, const unsigned char *to, unsigned *record, unsigned *end);

enum { BYTES = 1 << 22, LINES = 64, MOST = 80, GAP = 64 };
static unsigned char text[BYTES + GAP], bytes[BYTES + (MOST + 1) * GAP];
static unsigned record[MOST][LINES * RECORD_WORDS], expected[LINES * RECORD_WORDS];

int main(int count, char **words) {
	if (count != 3) return 2;
	srandom(atoi(words[1]));
	size_t length = fread(text, 1, BYTES, stdin);
	unsigned compared = 0, lost = 0;
	for (int round = 0; round < atoi(words[2]); round++) {
		struct ahead *ahead = ahead_open();
		if (!ahead) return 3;
		memset(bytes, 0, sizeof bytes);
		unsigned from[MOST], to[MOST], offered = 0, taken = 0, end = 0, pieces = 1 + random() % MOST;
		while (taken < pieces) {
			if (offered < pieces && (offered == taken || random() % 3)) { // a piece is offered right after it was read
				unsigned begin = end < length ? end : 0, size = 1 + random() % (random() % 8 ? 5000 : 50000);
				unsigned char *newline = begin + size < length ? memchr(text + begin + size, '\n', length - begin - size) : 0;
				if (begin == 0 && offered > 0) break; // all bytes have been offered
				end = newline ? newline - text + 1 : length;
				unsigned char *base = bytes + offered * GAP;
				memcpy(base + begin, text + begin, end - begin);
				from[offered] = begin;
				to[offered] = end;
				if (ahead_offer(ahead, base, begin, end, record[offered], LINES * RECORD_WORDS)) {
					offered++;
					if (random() % 16 == 0) usleep(random() % 200); // lets the thread go to sleep
					continue;
				}
				end = begin;
			}
			if (offered == taken) break;
			if (random() % 64 == 0) usleep(random() % 200);
			unsigned lines = ahead_take(ahead);
			unsigned *found = record[taken];
			if (lines != scan(text, text + from[taken], text + to[taken], expected, expected + LINES * RECORD_WORDS)) lost++;
			for (unsigned line = 0; line < lines; line++, compared++) { // the first three words, and three more for a known kind
				unsigned *one = found + line * RECORD_WORDS, *other = expected + line * RECORD_WORDS;
				if (memcmp(one, other, 3 * sizeof *one) || ((int)one[2] >= 0 && memcmp(one + 3, other + 3, 3 * sizeof *one))) lost++;
			}
			taken++;
			if (random() % 500 == 0) break; // with pieces that were not taken
		}
		ahead_close(ahead);
	}
	printf("%u lines, %u differences\n", compared, lost);
	return lost > 0;
}
