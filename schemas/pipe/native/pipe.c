// SPDX-License-Identifier: MIT
// The native addon: system calls that Node lacks, and the thread that scans lines ahead.
#define _GNU_SOURCE
#include "../../generated/record.layout.h"
#include "ahead.h"
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>

#define MOST 6

// Reads `many` unsigned 32-bit integers after the first `from` arguments. Throws if there are more or fewer, or others.
static int numbers(napi_env env, napi_value *given, size_t count, size_t from, uint32_t *into, size_t many) {
	int good = count == from + many;
	for (size_t i = 0; good && i < many; i++) {
		double number = -1;
		good = !napi_get_value_double(env, given[from + i], &number) && number >= 0 && number <= UINT32_MAX;
		if (good) good = (into[i] = number) == number;
	}
	if (!good) napi_throw_type_error(env, NULL, "expected unsigned 32-bit integers");
	return good;
}

// grow(fd, bytes): enlarges a pipe to that size if it is smaller. Returns whether the kernel did it.
static napi_value grow(napi_env env, napi_callback_info info) {
	napi_value given[MOST], grown = NULL;
	size_t count = MOST;
	uint32_t number[2];
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	if (!numbers(env, given, count, 0, number, 2)) return NULL;
	int fd = number[0], bytes = number[1], has = fcntl(fd, F_GETPIPE_SZ);
	napi_get_boolean(env, has >= 0 && has < bytes && fcntl(fd, F_SETPIPE_SZ, bytes) >= bytes, &grown);
	return grown;
}

// lock(fd): locks an open file for this process, without waiting (flock). Returns 0 or the errno: EWOULDBLOCK if another
// process has the lock. unlock(fd) releases it; so does closing the file.
static napi_value lock_with(napi_env env, napi_callback_info info, int operation) {
	napi_value given[MOST], failed = NULL;
	size_t count = MOST;
	uint32_t fd;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	if (!numbers(env, given, count, 0, &fd, 1)) return NULL;
	int result;
	do result = flock(fd, operation);
	while (result != 0 && errno == EINTR);
	napi_create_int32(env, result == 0 ? 0 : errno, &failed);
	return failed;
}

static napi_value lock(napi_env env, napi_callback_info info) {
	return lock_with(env, info, LOCK_EX | LOCK_NB);
}

static napi_value unlock(napi_env env, napi_callback_info info) {
	return lock_with(env, info, LOCK_UN);
}

// The scanning thread, and a reference that keeps its memory alive.
struct scanner {
	struct ahead *ahead;
	napi_ref memory;
};

static const napi_type_tag scanner_tag = {0x6a1f0d5c2b7e4c93, 0x9d3e58a7c41b6f02};

// Ends the thread. Runs at Node's exit and for `close`.
static void stop(void *given) {
	struct scanner *scanner = given;
	if (scanner->ahead) ahead_close(scanner->ahead);
	scanner->ahead = NULL;
}

static void finalize(napi_env env, void *given, void *hint) {
	(void)hint;
	struct scanner *scanner = given;
	napi_remove_env_cleanup_hook(env, stop, scanner);
	stop(scanner);
	if (scanner->memory) napi_delete_reference(env, scanner->memory);
	free(scanner);
}

// open(memory): starts a thread that scans lines in an ArrayBuffer of WebAssembly, which cannot be detached or resized.
// Returns undefined if there is no second CPU or the thread cannot be started.
static napi_value open_(napi_env env, napi_callback_info info) {
	napi_value given[1], made = NULL;
	size_t count = 1;
	bool is_memory = false;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	if (napi_is_arraybuffer(env, given[0], &is_memory) || !is_memory) {
		napi_throw_type_error(env, NULL, "expected an ArrayBuffer");
		return NULL;
	}
	struct scanner *scanner = calloc(1, sizeof *scanner);
	if (!scanner) return NULL;
	if (napi_create_external(env, scanner, finalize, NULL, &made)) {
		free(scanner);
		return NULL;
	}
	// From here on the finalizer frees everything.
	if (napi_type_tag_object(env, made, &scanner_tag) || napi_create_reference(env, given[0], 1, &scanner->memory) ||
	    napi_add_env_cleanup_hook(env, stop, scanner))
		return NULL;
	scanner->ahead = ahead_open();
	return scanner->ahead ? made : NULL;
}

static struct scanner *scanner_of(napi_env env, napi_value value) {
	void *found = NULL;
	bool is_scanner = false;
	if (napi_check_object_type_tag(env, value, &scanner_tag, &is_scanner) || !is_scanner ||
	    napi_get_value_external(env, value, &found) || !((struct scanner *)found)->ahead) {
		napi_throw_type_error(env, NULL, "expected an open scanner");
		return NULL;
	}
	return found;
}

// Whether lines and records passed to `offer` are inside the memory. The scanner reads up to a newline and a little beyond,
// so records must not overlap the lines: they could overwrite that newline.
static int fits(const unsigned char *memory, size_t length, const uint32_t number[5]) {
	const uint64_t from = (uint64_t)number[0] + number[1], to = (uint64_t)number[0] + number[2];
	const uint64_t record = number[3], end = record + (uint64_t)number[4] * sizeof(unsigned);
	return from < to && to + SLACK <= length && end <= length && record % sizeof(unsigned) == 0 &&
	       (end <= from || to + SLACK <= record) && memory[to - 1] == '\n';
}

// offer(scanner, base, from, to, record, words): see ahead.h. `base` and `record` are offsets in the memory, in bytes; `from`
// and `to` are relative to `base`.
static napi_value offer(napi_env env, napi_callback_info info) {
	napi_value given[MOST], memory, offered = NULL;
	size_t count = MOST, length = 0;
	uint32_t number[5];
	unsigned char *bytes = NULL;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	struct scanner *scanner = scanner_of(env, given[0]);
	if (!scanner || !numbers(env, given, count, 1, number, 5)) return NULL;
	if (napi_get_reference_value(env, scanner->memory, &memory) ||
	    napi_get_arraybuffer_info(env, memory, (void **)&bytes, &length) || !fits(bytes, length, number)) {
		napi_throw_range_error(env, NULL, "lines or records are outside the memory");
		return NULL;
	}
	int is_taken = ahead_offer(scanner->ahead, bytes + number[0], number[1], number[2], (unsigned *)(bytes + number[3]), number[4]);
	napi_get_boolean(env, is_taken, &offered);
	return offered;
}

// take(scanner): see ahead.h.
static napi_value take(napi_env env, napi_callback_info info) {
	napi_value given[1], lines = NULL;
	size_t count = 1;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	struct scanner *scanner = scanner_of(env, given[0]);
	if (scanner) napi_create_uint32(env, ahead_take(scanner->ahead), &lines);
	return lines;
}

// close(scanner): ends the thread.
static napi_value close_(napi_env env, napi_callback_info info) {
	napi_value given[1];
	size_t count = 1;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	struct scanner *scanner = scanner_of(env, given[0]);
	if (!scanner) return NULL;
	stop(scanner);
	napi_delete_reference(env, scanner->memory);
	scanner->memory = NULL;
	return NULL;
}

NAPI_MODULE_INIT() {
	const struct { const char *name; napi_callback call; } functions[] = {
		{"grow", grow}, {"lock", lock}, {"unlock", unlock}, {"open", open_}, {"offer", offer}, {"take", take}, {"close", close_},
	};
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		napi_value function;
		if (!napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function))
			napi_set_named_property(env, exports, functions[i].name, function);
	}
	return exports;
}
