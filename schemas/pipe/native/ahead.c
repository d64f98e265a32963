// SPDX-License-Identifier: MIT
// A thread that scans lines before they are needed. Pieces of the input are offered in order. Both the thread and the caller
// that takes the results claim the next unscanned piece when they are free, so neither waits while there is work.
#define _GNU_SOURCE
#include "ahead.h"
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <uv.h> // from Node: pthreads would need a newer C library than Node does

// generated/scan.c
unsigned scan(const unsigned char *base, const unsigned char *from, const unsigned char *to, unsigned *record, unsigned *end);

enum { PIECES = 64, SPINS = 500 };

struct piece {
	const unsigned char *base, *from, *to;
	unsigned *record, *end, lines;
	atomic_uint scanned;
};

// A thread that is about to wait sets `asleep` first, then checks once more.
struct sleeper {
	atomic_uint asleep;
	uv_sem_t woken;
};

struct ahead {
	struct piece pieces[PIECES];
	atomic_uint offered, claimed; // counters that never decrease
	unsigned taken;
	atomic_uint over;
	struct sleeper thread, taker;
	uv_thread_t id;
};

static void wake(struct sleeper *sleeper) {
	if (atomic_exchange(&sleeper->asleep, 0)) uv_sem_post(&sleeper->woken);
}

static void pause_briefly(void) {
#ifdef __x86_64__
	__builtin_ia32_pause();
#elif defined __aarch64__
	__asm__ volatile("yield");
#endif
}

// Waits until `ready` returns true: spins for some µs, then sleeps.
static void wait_until(struct sleeper *sleeper, int (*ready)(struct ahead *), struct ahead *ahead) {
	for (int spins = 0; spins < SPINS; spins++, pause_briefly())
		if (ready(ahead)) return;
	while (!ready(ahead)) {
		atomic_store(&sleeper->asleep, 1);
		if (ready(ahead) && atomic_exchange(&sleeper->asleep, 0)) return;
		uv_sem_wait(&sleeper->woken);
	}
}

static int is_work(struct ahead *ahead) {
	return atomic_load(&ahead->over) || atomic_load(&ahead->claimed) != atomic_load(&ahead->offered);
}

static int is_scanned(struct ahead *ahead) {
	return atomic_load(&ahead->pieces[ahead->taken % PIECES].scanned);
}

// Claims and scans the next piece. Returns whether there was one.
static int work(struct ahead *ahead) {
	unsigned next = atomic_load(&ahead->claimed);
	do {
		if (next == atomic_load(&ahead->offered)) return 0;
	} while (!atomic_compare_exchange_weak(&ahead->claimed, &next, next + 1));
	struct piece *piece = &ahead->pieces[next % PIECES];
	piece->lines = scan(piece->base, piece->from, piece->to, piece->record, piece->end);
	atomic_store(&piece->scanned, 1);
	return 1;
}

static void run(void *given) {
	struct ahead *ahead = given;
	prctl(PR_SET_NAME, "synpipe-scan"); // shown by ps -L and top -H
	while (!atomic_load(&ahead->over)) {
		if (work(ahead)) wake(&ahead->taker);
		else wait_until(&ahead->thread, is_work, ahead);
	}
}

static void release(struct ahead *ahead) {
	uv_sem_destroy(&ahead->thread.woken);
	uv_sem_destroy(&ahead->taker.woken);
	free(ahead);
}

static int is_alone(void) {
	cpu_set_t cpus;
	return sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) < 2;
}

struct ahead *ahead_open(void) {
	struct ahead *ahead = is_alone() ? NULL : calloc(1, sizeof *ahead);
	if (!ahead) return NULL;
	uv_sem_init(&ahead->thread.woken, 0);
	uv_sem_init(&ahead->taker.woken, 0);
	sigset_t all, before;
	sigfillset(&all); // signals are for the other threads
	sigprocmask(SIG_SETMASK, &all, &before);
	int failed = uv_thread_create(&ahead->id, run, ahead);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (!failed) return ahead;
	release(ahead);
	return NULL;
}

int ahead_offer(struct ahead *ahead, const unsigned char *base, unsigned from, unsigned to, unsigned *record, unsigned words) {
	unsigned offered = atomic_load(&ahead->offered);
	if (offered - ahead->taken == PIECES) return 0;
	struct piece *piece = &ahead->pieces[offered % PIECES];
	piece->base = base;
	piece->from = base + from;
	piece->to = base + to;
	piece->record = record;
	piece->end = record + words;
	atomic_store(&piece->scanned, 0);
	atomic_store(&ahead->offered, offered + 1);
	wake(&ahead->thread);
	return 1;
}

unsigned ahead_take(struct ahead *ahead) {
	if (ahead->taken == atomic_load(&ahead->offered)) return 0;
	while (!is_scanned(ahead))
		if (!work(ahead)) wait_until(&ahead->taker, is_scanned, ahead);
	return ahead->pieces[ahead->taken++ % PIECES].lines;
}

void ahead_close(struct ahead *ahead) {
	atomic_store(&ahead->over, 1);
	wake(&ahead->thread);
	uv_thread_join(&ahead->id);
	release(ahead);
}
