// SPDX-License-Identifier: MIT
// Lines into one buffer, the buffer into a descriptor that may be non-blocking, short of room, or closed.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace synpipe {

class Writer {
public:
	// When `abandon_fd` becomes readable, waiting for a stuck reader ends with ECANCELED.
	Writer(int fd, int abandon_fd);

	// Room for one line of kMaxLine, and how far it was used. False: see error().
	char *line() { return buffer_.data() + used_; }
	bool commit(char *end);

	bool text(const std::string &text); // a line or more, of any length
	bool flush();

	int error() const { return error_; } // errno of the write that failed; nothing is written after it
	uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

private:
	bool write_all(const char *data, size_t size);
	bool wait();

	int fd_;
	int abandon_fd_;
	int error_ = 0;
	size_t used_ = 0;
	std::vector<char> buffer_;
	std::atomic<uint64_t> bytes_{0}; // read by the JavaScript thread
};

} // namespace synpipe
