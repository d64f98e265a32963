// Groups by their key's bytes, in a memory of their own (table.ts): an open-addressing table of row numbers and hashes, and
// for each row its key and a fixed number of columns. For many lines, memory is asked for what they need before the first of
// it is looked at, so that the waits for what is in no cache overlap.
#include "../../schemas/pipe/scan/bytes.h"

#define PAGE 65536u
#define MOST_COLUMNS 64
#define BLOCK_BITS 14
#define BLOCK (1u << BLOCK_BITS)
#define KEY_BLOCK (1u << 20)
#define FEWEST_SLOTS 256u
#define AHEAD 32

#define EXPORT(name) __attribute__((export_name(#name)))

struct row { u32 hash; u8 *key; u32 length, before; double columns[]; };
struct slot { u32 row, hash; }; // row 0 is free

extern u8 __heap_base;

static double empty[MOST_COLUMNS]; // the columns of a new row
static u8 *blocks[1 << (31 - BLOCK_BITS - 2)]; // of BLOCK rows
static u32 columns, rows;
static struct slot *slots;
static u32 last; // of the slots
static u8 *next_key, *keys_end;
static u8 *room;
static u32 room_size;
static u8 *top; // nothing is in use from here on
static volatile u32 touched;

static void *take(u32 bytes) {
	u8 *taken = top;
	u64 end = (u64)(u32)top + ((bytes + 15) & -16u), have = (u64)__builtin_wasm_memory_size(0) * PAGE;
	if (end > have && __builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == (unsigned long)-1) __builtin_trap();
	top = (u8 *)(u32)end;
	return taken;
}

static void take_slots(u32 count) {
	slots = take(count * sizeof *slots);
	last = count - 1;
	__builtin_memset(slots, 0, count * sizeof *slots);
}

INLINE struct row *row_at(u32 row) {
	return (struct row *)(blocks[row >> BLOCK_BITS] + (row & (BLOCK - 1)) * (sizeof(struct row) + columns * 8));
}

static struct row *append(u32 hash, u8 *key, u32 length, u32 before) {
	if (!(rows & (BLOCK - 1))) blocks[rows >> BLOCK_BITS] = take(BLOCK * (sizeof(struct row) + columns * 8));
	struct row *row = row_at(rows++);
	*row = (struct row){hash, key, length, before};
	for (u32 column = 0; column < columns; column++) row->columns[column] = empty[column];
	return row;
}

static u32 hash_of(const u8 *key, u32 length) {
	u64 h = length;
	for (u32 at = 0; at < length; at += 8) {
		h = (h ^ load8(key + at)) * 0x9e3779b97f4a7c15;
		h ^= h >> 32;
	}
	h *= 0xd6e8feb86659fd93;
	return h >> 32;
}

INLINE int is_same(const u8 *a, const u8 *b, u32 length) {
	for (u32 at = 0; at < length; at += 8) if (load8(a + at) != load8(b + at)) return 0;
	return 1;
}

INLINE struct slot *find(const u8 *key, u32 length, u32 hash) {
	for (u32 at = hash & last;; at = (at + 1) & last) {
		struct slot *slot = &slots[at];
		if (!slot->row) return slot;
		if (slot->hash != hash) continue;
		struct row *row = row_at(slot->row);
		if (row->length == length && is_same(row->key, key, length)) return slot;
	}
}

// Twice as many slots; where the old ones were there will be keys.
static void grow(void) {
	u8 *old = (u8 *)slots, *old_end = (u8 *)(slots + last + 1);
	take_slots((last + 1) * 2);
	for (u32 row = 1; row < rows; row++) {
		u32 hash = row_at(row)->hash, at = hash & last;
		while (slots[at].row) at = (at + 1) & last;
		slots[at] = (struct slot){row, hash};
	}
	if (old_end - old > keys_end - next_key) next_key = old, keys_end = old_end;
}

OUTLINE u32 insert(struct slot *slot, const u8 *key, u32 length, u32 hash, u32 before) {
	u32 size = (length + 7) & -8u;
	if ((u32)(keys_end - next_key) < size) {
		u32 block = size > KEY_BLOCK ? size : KEY_BLOCK;
		next_key = take(block);
		keys_end = next_key + block;
	}
	for (u32 at = 0; at < size; at += 8) *(u64 *)(next_key + at) = load8(key + at);
	u32 row = rows;
	append(hash, next_key, length, before);
	next_key += size;
	*slot = (struct slot){row, hash};
	if (rows / 3 > last / 4) grow();
	return row;
}

EXPORT(empty_columns) double *empty_columns(void) { return empty; }
EXPORT(row_blocks) u8 **row_blocks(void) { return blocks; }
EXPORT(count) u32 count(void) { return rows; }

// Forgets everything, and begins with row 0, which has no key. The columns of a new row are to be there.
EXPORT(reset) void reset(u32 of_columns) {
	columns = of_columns;
	rows = 0;
	top = (u8 *)(((u32)&__heap_base + 15) & -16u);
	next_key = keys_end = room = 0;
	room_size = 0;
	take_slots(FEWEST_SLOTS);
	append(0, 0, 0, 0);
}

// Where so many bytes can be put to look them up.
EXPORT(space) u8 *space(u32 bytes) {
	if (bytes > room_size) {
		room_size = bytes > 2 * room_size ? bytes : 2 * room_size; // what was there before is lost, so that is seldom
		room = take(room_size);
	}
	return room;
}

// The row of the key there, which has zeros behind it up to a multiple of 8; a new one where there is none.
EXPORT(row) u32 row(u32 length, u32 before) {
	u32 hash = hash_of(room, length);
	struct slot *slot = find(room, length, hash);
	return slot->row ? slot->row : insert(slot, room, length, hash, before);
}

// What gather.h gathers of a line. Once it is in a row, `tag`, the column to count it in, becomes the row.
struct gathered { u32 length, tag; double time; u8 key[]; };

// Counts the lines whose keys were gathered and are there, each as 1, but adds no row after `most`. Returns how many.
EXPORT(add) u32 add(u32 lines, u32 most, u32 before) {
	struct gathered *line = (struct gathered *)room, *batch[AHEAD];
	u32 hashes[AHEAD], likely[AHEAD];
	for (u32 done = 0; done < lines;) {
		u32 n = lines - done < AHEAD ? lines - done : AHEAD, sum = 0;
		for (u32 i = 0; i < n; i++) {
			batch[i] = line;
			hashes[i] = hash_of(line->key, line->length);
			likely[i] = slots[hashes[i] & last].row;
			line = (struct gathered *)(line->key + ((line->length + 7) & -8u));
		}
		for (u32 i = 0; i < n; i++) sum += row_at(likely[i])->length;
		for (u32 i = 0; i < n; i++) sum += *(row_at(likely[i])->key);
		touched = sum;
		for (u32 i = 0; i < n; i++, done++) {
			struct gathered *one = batch[i];
			struct slot *slot = find(one->key, one->length, hashes[i]);
			u32 found = slot->row;
			if (!found) {
				if (rows > most) return done;
				found = insert(slot, one->key, one->length, hashes[i], before);
			}
			row_at(found)->columns[one->tag]++;
			one->tag = found;
		}
	}
	return lines;
}

#include "lines.h"
