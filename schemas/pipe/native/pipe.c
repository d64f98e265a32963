// SPDX-License-Identifier: MIT
// What Node has no function for.
#define _GNU_SOURCE
#include <fcntl.h>
#include <node_api.h>

// grow(fd, bytes): gives a pipe that much room, where it has less and the kernel lets us. Returns whether it did.
static napi_value grow(napi_env env, napi_callback_info info) {
	napi_value given[2], grown;
	size_t count = 2;
	int32_t fd, bytes;
	if (napi_get_cb_info(env, info, &count, given, NULL, NULL) || napi_get_value_int32(env, given[0], &fd) ||
	    napi_get_value_int32(env, given[1], &bytes)) {
		napi_throw_type_error(env, NULL, "grow(fd, bytes)");
		return NULL;
	}
	int has = fcntl(fd, F_GETPIPE_SZ);
	napi_get_boolean(env, has >= 0 && has < bytes && fcntl(fd, F_SETPIPE_SZ, bytes) >= bytes, &grown);
	return grown;
}

NAPI_MODULE_INIT() {
	napi_value function;
	if (!napi_create_function(env, "grow", NAPI_AUTO_LENGTH, grow, NULL, &function))
		napi_set_named_property(env, exports, "grow", function);
	return exports;
}
