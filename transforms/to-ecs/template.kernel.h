// Converts lines by templates, for to-ecs and to-otel. templates.ts makes a template for each shape of lines.
#pragma once
#include "../../schemas/generated/template.layout.h"
#include "../../schemas/pipe/scan/kernel.h"

// A value of a line. Strings are without their quotes.
struct value { const u8 *at; u32 length; };

INLINE int equal(const struct value *a, const struct value *b) {
	return a->length == b->length && equal_bytes(a->at, b->at, a->length);
}

// Returns a word that says which of the values before equals this one, and whether it can be an IPv6 address.
INLINE u32 compared(const struct value *values, const u8 *others, u32 count, u32 own) {
	u32 same = own, colon = 0;
	for (u32 i = 0; i < count && same == own; i++) if (equal(&values[others[i]], &values[own])) same = others[i];
	for (u32 i = 0; i < 5 && i < values[own].length; i++) colon |= values[own].at[i] == ':';
	return same << 1 | colon;
}

#define FIELD_WORDS (sizeof ((struct record *)0)->fields / sizeof(u32))

// The shape of a line: two lines of the same shape differ only in values that are copied, or computed from such values.
struct shape { struct value values[MOST_VALUES]; u32 words[MOST_SHAPE_WORDS + 4], count; };

// Finds the values of a line and its shape. Returns 0 if the line has no template.
INLINE int shape_of(const u8 *line, const struct record *record, const struct template_kind *kind, struct shape *shape) {
	struct value *values = shape->values;
	u32 *words = shape->words, length, found = 0, others = 0, n = 0;
	u8 other[MOST_VALUES];
	const u8 *last = line;
	words[n++] = record->kind;
	for (u32 i = 0; i < FIELD_WORDS; i++) words[n++] = record->fields[i];
	for (u32 i = 0; i < FIELD_WORDS; i++)
		for (u32 bits = record->fields[i]; bits; bits &= bits - 1) {
			int place = i * 32 + __builtin_ctz(bits);
			const u8 *value = value_of(line, record, place);
			if (value < last || found == MOST_VALUES || n > MOST_SHAPE_WORDS - 2) return 0;
			last = value;
			length = length_of(record, place);
			struct value *own = &values[found];
			*own = *value == '"' ? (struct value){value + 1, length - 2} : (struct value){value, length};
			switch (kind->uses[place]) {
			case USE_LITERAL:
				if (n + length / 4 > MOST_SHAPE_WORDS - 2) return 0;
				words[n++] = length;
				for (u32 at = 0; at < length; at += 4)
					words[n++] = load4(value + at) & (length - at < 4 ? (1u << 8 * (length - at)) - 1 : ~0u);
				break;
			case USE_COMPARED:
				words[n++] = compared(values, other, others, found);
				other[others++] = found;
				break;
			case USE_LIST:
				for (const u8 *p = value + 1; *p == '"' || *p == ',';) {
					if (*p++ == ',') continue;
					if (++found == MOST_VALUES || n > MOST_SHAPE_WORDS - 2) return 0;
					const u8 *start = p;
					while (*(p = plain(p)) != '"') p += *p == '\\' ? 2 : 1;
					values[found] = (struct value){start, p++ - start};
					words[n++] = compared(values, other, others, found);
					other[others++] = found;
				}
				words[n++] = found;
				break;
			case USE_DURATION:
				if (length > 12) return 0; // as nanoseconds it may not be exact
				words[n++] = *value == '0';
			}
			found++;
		}
	shape->count = n;
	return 1;
}

// Returns a file's name without its folder and the mark of a deleted file.
INLINE struct value base_of(struct value path) {
	static const u8 deleted[16] = " (deleted)";
	const u8 *end = path.at + path.length;
	if (path.length >= 10 && equal(&(struct value){end - 10, 10}, &(struct value){deleted, 10})) end -= 10;
	const u8 *start = end - (end > path.at);
	while (start > path.at && start[-1] != '/') start--;
	return (struct value){start, end - start};
}

// Writes the start, given the end and a duration in µs of at most 12 digits. Returns 0 if it is not on the same day.
INLINE u8 *write_start(u8 *to, const u8 *time, const struct value *duration) {
	u64 us = value16(duration->at, duration->length);
	int second = second_of_day(time) - (int)(us / 1000000), fraction = (int)value8(time + 20, 6) - (int)(us % 1000000);
	if (fraction < 0) {
		fraction += 1000000;
		second--;
	}
	if (second < 0) return 0;
	copy(to, time, 20);
	write_digits(to + 11, second / 3600, 2);
	write_digits(to + 14, second / 60 % 60, 2);
	write_digits(to + 17, second % 60, 2);
	*write_digits(to + 20, fraction, 6) = 'Z';
	return to + 27;
}

// Writes the sum of two numbers. Returns 0 if it is not exact in JavaScript.
INLINE u8 *write_sum(u8 *to, const struct value *a, const struct value *b) {
	u64 sum = value16(a->at, a->length) + value16(b->at, b->length);
	return sum >> 53 ? 0 : write_number(to, sum);
}

// Writes a line's conversion. Returns its end, or 0 to leave the line to JavaScript.
INLINE u8 *write_line(u8 *to, const struct template *template, const struct value *values) {
	const struct piece *piece = (const struct piece *)(template->shape + template->shape_words);
	const u8 *text = (const u8 *)(piece + template->pieces);
	for (;; piece++) {
		copy(to, text, piece->length);
		to += piece->length;
		text += piece->length;
		struct value value = values[piece->a];
		switch (piece->op) {
		case OP_BASE: value = base_of(value); // fall through
		case OP_COPY:
			copy(to, value.at, value.length);
			to += value.length;
			continue;
		case OP_NANOSECONDS: to = write_nanoseconds(to, value.at); break;
		case OP_START: to = write_start(to, value.at, &values[piece->b]); break;
		case OP_SUM: to = write_sum(to, &value, &values[piece->b]); break;
		default: return to;
		}
		if (!to) return 0;
	}
}

// Writes the conversions of lines to `out`. Stops at the first line of a new shape, or that needs JavaScript.
KERNEL(convert, const struct templates *templates, struct convert_registers *registers) {
	const u8 *begin = out;
	u32 done = 0, stop = STOP_DONE;
	struct shape shape;
	for (; done < lines; done++, record++) {
		stop = STOP_LINE;
		if (record->kind < 0 || record->others || !templates->kinds[record->kind].converted) break;
		if (!shape_of(base + record->start, record, &templates->kinds[record->kind], &shape)) break;
		u32 hash = 0, words = shape.count;
		for (u32 i = 0; i < words; i++) hash = ((hash << 5 | hash >> 27) ^ shape.words[i]) * 0x9e3779b1;
		const struct template *template;
		u32 slot = hash >> (32 - INDEX_BITS);
		for (;; slot++) {
			u32 place = templates->index[slot & ((1 << INDEX_BITS) - 1)];
			template = place ? (const struct template *)(templates->arena + place) : 0;
			if (!template) break;
			if (template->hash != hash || template->shape_words != words) continue;
			u32 same = 0;
			while (same < words && template->shape[same] == shape.words[same]) same++;
			if (same == words) break;
		}
		if (!template) {
			stop = out + words * 4 > end ? STOP_FULL : STOP_NEW;
			if (stop == STOP_NEW) __builtin_memcpy(out, shape.words, words * 4);
			registers->hash = hash;
			registers->shape_words = words;
			break;
		}
		if (template->pieces == 0) break;
		if (out + template->bytes + template->copies * (record->end - record->start) + 64 > end) {
			stop = STOP_FULL;
			break;
		}
		u8 *next = write_line(out, template, shape.values);
		if (!next) break;
		out = next;
		stop = STOP_DONE;
	}
	registers->stop = stop;
	registers->bytes = out - begin;
	return done;
}
