// Writes log records for the presets loki and otlp.
#pragma once
#include "../../schemas/generated/records.layout.h"
#include "../../schemas/pipe/scan/kernel.h"

#define WRITE(to, text) (__builtin_memcpy(to, text, sizeof text - 1), to + sizeof text - 1)

INLINE u8 *write_text(u8 *to, const struct record_text *text) {
	copy(to, text->bytes, text->length);
	return to + text->length;
}

// Writes UTF-8 as a JSON string. Returns 0 if it has a control character.
OUTLINE u8 *write_quoted(u8 *to, const u8 *from, u32 length) {
	const u8 *end = from + length;
	*to++ = '"';
	while (from < end) {
		v128_t bytes = wasm_v128_load(from);
		v128_t found = wasm_v128_or(wasm_i8x16_eq(bytes, wasm_i8x16_splat('"')), wasm_i8x16_eq(bytes, wasm_i8x16_splat('\\')));
		u32 special = wasm_i8x16_bitmask(wasm_v128_or(found, wasm_u8x16_le(bytes, wasm_i8x16_splat(0x1f))));
		u32 count = special ? __builtin_ctz(special) : 16, left = end - from;
		wasm_v128_store(to, bytes);
		if (count >= left) {
			to += left;
			break;
		}
		to += count;
		from += count;
		if (count == 16) continue;
		if (*from < 0x20) return 0;
		*to++ = '\\';
		*to++ = *from++;
	}
	*to++ = '"';
	return to;
}

// Writes a value as an OTLP value, and closes the attribute. Returns 0 to leave the line to JavaScript.
INLINE u8 *write_value(u8 *to, const u8 *value, u32 length) {
	switch (*value) {
	case '[': case '{':
		to = write_quoted(WRITE(to, "\"stringValue\":"), value, length);
		return to ? WRITE(to, "}}") : 0;
	case '"': to = WRITE(to, "\"stringValue\":"); break;
	case 't': case 'f': to = WRITE(to, "\"boolValue\":"); break;
	default:
		to = WRITE(to, "\"intValue\":\"");
		copy(to, value, length);
		return WRITE(to + length, "\"}}");
	}
	copy(to, value, length);
	return WRITE(to + length, "}}");
}

// Writes the fields as OTLP attributes. Returns 0 if they are not in the order of the schema.
INLINE u8 *write_attributes(u8 *to, const u8 *line, const struct record *record, const struct record_kind *kind, const u8 *starts) {
	const u8 *last = line;
	for (u32 word = 0; word < sizeof record->fields / sizeof(u32); word++)
		for (u32 bits = record->fields[word]; bits; bits &= bits - 1) {
			int place = word * 32 + __builtin_ctz(bits);
			const u8 *value = value_of(line, record, place);
			u32 comma = last == line, length = kind->start_length[place] - comma;
			if (value < last) return 0;
			last = value;
			copy(to, starts + kind->start_at[place] + comma, length);
			if (!(to = write_value(to + length, value, length_of(record, place)))) return 0;
		}
	return to;
}

// Writes the records of lines of the same kind to `out`. Stops at the first line of another kind, or that needs JavaScript.
KERNEL(records, const struct records *records, struct records_registers *registers) {
	const u8 *begin = out;
	u32 done = 0;
	int first = record->kind;
	const struct record_kind *kind = &records->kinds[first < 0 ? 0 : first];
	for (; done < lines && first >= 0 && kind->time >= 0; done++, record++) {
		const u8 *line = base + record->start;
		u32 length = record->end - record->start;
		if (record->kind != first || record->others || !has(record, kind->time)) break;
		if (out + records->most + 4 * length + 64 > end) break;
		u8 *to = write_text(out, &records->before);
		if (!(to = write_nanoseconds(to, value_of(line, record, kind->time) + 1))) break;
		to = write_text(to, has(record, kind->failed) ? &records->failed : &records->between);
		if (!(to = write_quoted(to, line, length))) break;
		to = write_text(to, &records->after);
		if (records->attributes && !(to = write_attributes(to, line, record, kind, records->starts))) break;
		out = write_text(to, &records->end);
	}
	registers->bytes = out - begin;
	return done;
}
