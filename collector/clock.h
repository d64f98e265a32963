// SPDX-License-Identifier: MIT
// The clocks that the records and the waiting use, in nanoseconds.
#pragma once

#include <cstdint>
#include <ctime>

namespace synpipe {

inline uint64_t now(clockid_t clock) {
	timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

// Returns the milliseconds until a time, rounded up so that waiting for that long never ends too early.
inline int until(uint64_t boot_ns) {
	uint64_t time = now(CLOCK_BOOTTIME);
	return time >= boot_ns ? 0 : (boot_ns - time + 999999) / 1000000;
}

} // namespace synpipe
