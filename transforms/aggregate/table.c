// Groups by the bytes of their key, in the memory of this WebAssembly instance (memory.ts). An open-addressing table maps
// hashes to row numbers, and each row has its key and a fixed number of columns. `add` touches the memory that a batch of
// lines needs before it uses it, so that the cache misses overlap.
#include "../../schemas/generated/gather.layout.h"
#include "../../schemas/generated/table.layout.h"
#include "../../schemas/pipe/scan/bytes.h"

#define PAGE 65536u
#define MOST_COLUMNS 64
#define BLOCK (1u << BLOCK_BITS)
#define KEY_BLOCK (1u << 20)
#define FEWEST_SLOTS 256u
#define AHEAD 32

struct slot { u32 row, hash; }; // row 0 is free

extern u8 __heap_base;

static double empty[MOST_COLUMNS]; // the columns of a new row
static u8 *blocks[1 << (31 - BLOCK_BITS - 2)]; // each with BLOCK rows
static u32 columns, rows;
static struct slot *slots;
static u32 last; // the index of the last slot, used as a mask
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

static struct row *append(u32 hash, const u8 *key, u32 length, u32 before) {
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

// Doubles the number of slots. The memory of the old slots is used for keys.
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

// Removes all rows and creates row 0, which has no key. The caller must have set `empty`.
EXPORT(reset) void reset(u32 of_columns) {
	columns = of_columns;
	rows = 0;
	top = (u8 *)(((u32)&__heap_base + 15) & -16u);
	next_key = keys_end = room = 0;
	room_size = 0;
	take_slots(FEWEST_SLOTS);
	append(0, 0, 0, 0);
}

// Returns a buffer of at least this size, for the input of row, add and write.
EXPORT(space) u8 *space(u32 bytes) {
	if (bytes > room_size) {
		room_size = bytes > 2 * room_size ? bytes : 2 * room_size; // the old buffer is never freed, so it is replaced rarely
		room = take(room_size);
	}
	return room;
}

// Returns the row of the key in the buffer, or a new row. The key must be padded with zeros to a multiple of 8 bytes.
EXPORT(row) u32 row(u32 length, u32 before) {
	u32 hash = hash_of(room, length);
	struct slot *slot = find(room, length, hash);
	return slot->row ? slot->row : insert(slot, room, length, hash, before);
}

// Counts each gathered line in the buffer as 1, in the column that is its tag, and replaces the tag by the row. Stops at a new key if there are more than `most` rows. Returns the number of
// lines counted.
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
