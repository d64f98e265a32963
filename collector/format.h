// SPDX-License-Identifier: MIT
// From the kernel's record to a canonical line. Pure: no system call, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "attempt.h"

namespace synpipe {

// No line is longer: a byte of text is at most 6 (comm and pcomm 2 × 15, exe 256), addresses 3 × 45, numbers 20 each.
constexpr size_t kMaxLine = 4096;

class Format {
public:
	// What to add to the boot clock for the time of day. Follow it: the clock may be set.
	void set_clock(int64_t realtime_minus_boottime) { offset_ = realtime_minus_boottime; }

	// Where no cgroup2 is mounted, the kernel's answer is the root's id for every task: it is left out.
	void set_cgroup2(bool mounted) { cgroup2_ = mounted; }

	// Each writes one line with its newline at `out`, where kMaxLine bytes are free, and returns the line's end.
	// Of process.exe only the first exe_size bytes are read, so a record may end there. Any other bytes make a
	// valid line too.
	char *attempt(char *out, const attempt_event &event, uint64_t seq);
	char *lost(char *out, uint64_t boot_ns, const char *where, uint64_t count);

	// Parts of a line, for those that are made elsewhere. `parent`: with ppid and gid.
	char *process(char *out, const ::process &who, bool parent);
	char *cgroup(char *out, const ::process &who);

	// The time of day, 27 bytes.
	char *time(char *out, uint64_t boot_ns);

private:
	bool cgroup2_ = true;
	int64_t offset_ = 0;
	int64_t second_ = -1; // the one that text_ shows: most lines share it with the line before
	char text_[21] = {};  // "2026-11-23T05:31:00." and NUL
};

} // namespace synpipe
