// SPDX-License-Identifier: MIT
// Fuzzes the line scanner as the native part uses it: it reads no further than allowed, which is 32 bytes after the last
// newline, and the fields that it finds are within their line. Built and run by lines.test.ts.
#include "../../schemas/generated/scan.c"

#include <stddef.h>

void *malloc(size_t), free(void *), *memcpy(void *, const void *, size_t), *memset(void *, int, size_t);

enum { LINES = 16, BEHIND = 32 };

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
	static struct record records[LINES];
	u8 *bytes = malloc(size + 1 + BEHIND);
	memcpy(bytes, data, size);
	bytes[size] = '\n';
	memset(bytes + size + 1, size & 1 ? '"' : 0, BEHIND); // their contents must not matter
	const u8 *from = bytes, *to = bytes + size + 1;
	while (from < to) {
		u32 lines = scan(bytes, from, to, (u32 *)records, (u32 *)(records + LINES));
		if (lines == 0) __builtin_trap();
		for (struct record *record = records; record < records + lines; record++) {
			if (record->start != (u32)(from - bytes) || record->end < record->start || bytes[record->end] != '\n') __builtin_trap();
			from = bytes + record->end + 1;
			if (from > to) __builtin_trap();
			if (record->kind < 0) continue;
			if (record->kind >= KIND_COUNT) __builtin_trap();
			for (u32 field = 0; field < sizeof record->places / sizeof *record->places; field++) {
				if (!has(record, field)) continue;
				u32 place = record->places[field];
				if ((place & 0xffff) + (place >> 16) > record->end - record->start) __builtin_trap();
			}
		}
	}
	free(bytes);
	return 0;
}
