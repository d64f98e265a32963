// SPDX-License-Identifier: MIT
// Formats the kernel's records as canonical lines. Pure: no system call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "attempt.h"
#include "drop_names.h"

namespace synpipe {

// No line is longer: a byte of text takes at most 6 (comm and pcomm 2 × 15, exe 256), addresses 3 × 45, numbers 20 each.
constexpr size_t kMaxLine = 4096;

// Writes an address at `out`, where INET6_ADDRSTRLEN bytes are free, and returns its end. Family: 4 or 6.
char *put_address(char *out, const uint8_t *address, int family);

// Bytes of a connection since its line before.
struct Delta {
	uint64_t sent, received;
};

class Format {
public:
	// Sets what to add to the boot clock to get the time of day. Keep it up to date: somebody may set the clock.
	void set_clock(int64_t realtime_minus_boottime) { offset_ = realtime_minus_boottime; }

	// If no cgroup2 is mounted, the kernel reports the root's id for every task, so the field is left out.
	void set_cgroup2(bool mounted) { cgroup2_ = mounted; }

	// Names for `dropped`, without which it is left out. They must live as long as this.
	void set_drop_names(const DropNames *names) { drop_names_ = names; }

	// Each writes one line with its newline at `out`, where kMaxLine bytes are free, and returns the line's end.
	// Of process.exe only the first exe_size bytes are read, so a record may end there. Whatever bytes a record holds, the
	// line is valid.
	char *attempt(char *out, const attempt_event &event, uint64_t seq, const Delta *delta = nullptr);
	char *lost(char *out, uint64_t boot_ns, const char *where, uint64_t count);

	// Write parts of a line, for lines that are put together elsewhere. `parent`: with ppid and gid.
	char *process(char *out, const ::process &who, bool parent);
	char *cgroup(char *out, const ::process &who);

	// Writes the time of day, 27 bytes.
	char *time(char *out, uint64_t boot_ns);

private:
	char *connection(char *out, const attempt_event &event, const Delta *delta);
	char *dropped(char *out, const attempt_dropped &dropped);

	bool cgroup2_ = true;
	const DropNames *drop_names_ = nullptr;
	int64_t offset_ = 0;
	int64_t second_ = -1; // the second that text_ shows, which most lines share with the line before
	char text_[21] = {};  // "2026-11-23T05:31:00." and NUL
};

} // namespace synpipe
