// SPDX-License-Identifier: MIT
// What Node has no function for.
#define _GNU_SOURCE
#include "ahead.h"
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdlib.h>
#include <sys/file.h>

#define MOST 6

// The numbers that were given behind the first `from` arguments. Throws where they are not so many.
static int numbers(napi_env env, napi_value *given, size_t count, size_t from, uint32_t *into, size_t many) {
	int good = count == from + many;
	for (size_t i = 0; good && i < many; i++) good = napi_get_value_uint32(env, given[from + i], &into[i]) == napi_ok;
	if (!good) napi_throw_type_error(env, NULL, "numbers are missing");
	return good;
}

// grow(fd, bytes): gives a pipe that much room, where it has less and the kernel lets us. Returns whether it did.
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

// lock(fd): locks an open file for this process, without waiting (flock). Returns 0, or the number of the error: EWOULDBLOCK
// if another process has the lock. unlock(fd) gives it back; so does closing the file.
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

// A thread, and the memory that it works on, which must not go before it.
struct scanner {
	struct ahead *ahead;
	unsigned char *memory;
	size_t length;
	napi_ref held;
};

// At the end of Node, and before `close`.
static void stop(void *given) {
	struct scanner *scanner = given;
	if (scanner->ahead) ahead_close(scanner->ahead);
	scanner->ahead = NULL;
}

static void finalize(napi_env env, void *given, void *hint) {
	(void)hint;
	napi_remove_env_cleanup_hook(env, stop, given);
	stop(given);
	free(given);
}

// open(memory): a thread that scans lines in an ArrayBuffer of WebAssembly; undefined where there can be none.
static napi_value open_(napi_env env, napi_callback_info info) {
	napi_value given[1], made = NULL;
	size_t count = 1;
	struct scanner *scanner = calloc(1, sizeof *scanner);
	if (!scanner) return NULL;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	if (napi_get_arraybuffer_info(env, given[0], (void **)&scanner->memory, &scanner->length) ||
	    !(scanner->ahead = ahead_open())) {
		free(scanner);
		return NULL;
	}
	napi_add_env_cleanup_hook(env, stop, scanner);
	napi_create_reference(env, given[0], 1, &scanner->held);
	napi_create_external(env, scanner, finalize, NULL, &made);
	return made;
}

static struct scanner *scanner_of(napi_env env, napi_value value) {
	void *found = NULL;
	if (napi_get_value_external(env, value, &found) || !((struct scanner *)found)->ahead) {
		napi_throw_type_error(env, NULL, "no scanner, or it is closed");
		return NULL;
	}
	return found;
}

// offer(scanner, base, from, to, record, words): see ahead.h; places are in the memory, `from` and `to` count from `base`.
static napi_value offer(napi_env env, napi_callback_info info) {
	napi_value given[MOST], offered = NULL;
	size_t count = MOST;
	uint32_t number[5];
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	struct scanner *scanner = scanner_of(env, given[0]);
	if (!scanner || !numbers(env, given, count, 1, number, 5)) return NULL;
	unsigned char *memory = scanner->memory;
	int is_taken = ahead_offer(scanner->ahead, memory + number[0], number[1], number[2],
	                           (unsigned *)(memory + number[3]), number[4]);
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

// close(scanner): ends its thread.
static napi_value close_(napi_env env, napi_callback_info info) {
	napi_value given[1];
	size_t count = 1;
	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	struct scanner *scanner = scanner_of(env, given[0]);
	if (!scanner) return NULL;
	stop(scanner);
	napi_delete_reference(env, scanner->held);
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
