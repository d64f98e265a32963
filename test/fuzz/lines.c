// SPDX-License-Identifier: MIT
// Fuzzes the line scanner as the native part uses it: it reads no further than allowed, which is 32 bytes after the last
// newline, and the fields that it finds are within their line. Built and run by lines.test.ts.
#include "../../schemas/generated/scan.c"

#include <stddef.h>

void *malloc(size_t), free(void *), *memcpy(void *, const void *, size_t), *memset(void *, int, size_t);

enum { LINES = 16, BEHIND = 32 };

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
	static u32 records[LINES * RECORD_WORDS];
	u8 *bytes = malloc(size + 1 + BEHIND);
	memcpy(bytes, data, size);
	bytes[size] = '\n';
	memset(bytes + size + 1, size & 1 ? '"' : 0, BEHIND); // their contents must not matter
	const u8 *from = bytes, *to = bytes + size + 1;
	while (from < to) {
		u32 lines = scan(bytes, from, to, records, records + LINES * RECORD_WORDS);
		if (lines == 0) __builtin_trap();
		for (u32 *record = records; record < records + lines * RECORD_WORDS; record += RECORD_WORDS) {
			if (record[0] != (u32)(from - bytes) || record[1] < record[0] || bytes[record[1]] != '\n') __builtin_trap();
			from = bytes + record[1] + 1;
			if (from > to) __builtin_trap();
			if ((int)record[2] < 0) continue;
			if (record[2] >= KINDS) __builtin_trap();
			for (u32 field = 0; field < RECORD_WORDS - HEAD_WORDS; field++) {
				if (!(record[3 + field / 32] >> field % 32 & 1)) continue;
				u32 place = record[HEAD_WORDS + field];
				if ((place & 0xffff) + (place >> 16) > record[1] - record[0]) __builtin_trap();
			}
		}
	}
	free(bytes);
	return 0;
}
