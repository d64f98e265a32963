// SPDX-License-Identifier: MIT
#pragma once

struct ahead;

// Starts a thread that scans. NULL where there is no second CPU for it, or none could be started.
struct ahead *ahead_open(void);

// Has the lines in base[from..to), whose last byte is a newline, scanned into the records at `record`, so many words.
// Returns 0 where too much waits already. Bytes and records are not to be touched until they are taken, or it is closed.
int ahead_offer(struct ahead *, const unsigned char *base, unsigned from, unsigned to, unsigned *record, unsigned words);

// Waits for the first piece that was offered and not taken yet. Returns how many of its lines have a record: all, or as
// many as there is room for.
unsigned ahead_take(struct ahead *);

// Waits until nothing is scanned any more.
void ahead_close(struct ahead *);
