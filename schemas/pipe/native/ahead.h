// SPDX-License-Identifier: MIT
#pragma once

struct ahead;

// Starts a thread that scans. Returns NULL without a second CPU, or if no thread can be started.
struct ahead *ahead_open(void);

// Offers the lines in base[from..to), whose last byte is a newline, to be scanned into `words` words of records at `record`.
// Returns 0 if too many pieces are waiting. Do not touch bytes or records before they are taken, or the thread is closed.
int ahead_offer(struct ahead *, const unsigned char *base, unsigned from, unsigned to, unsigned *record, unsigned words);

// Takes the oldest offered piece; waits until it is scanned. Returns how many of its lines have a record: all, or as many as
// fit.
unsigned ahead_take(struct ahead *);

// Ends the thread, and waits for it.
void ahead_close(struct ahead *);
