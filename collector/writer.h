// SPDX-License-Identifier: MIT
// Collects lines in a buffer, and writes it to a descriptor that may be non-blocking, full or closed.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace synpipe {

class Writer {
public:
	// If `abandon_fd` becomes readable, waiting for a stuck reader ends with ECANCELED.
	Writer(int fd, int abandon_fd);

	// line() returns room for one line of kMaxLine bytes; commit() takes the end of what was written there, and returns false
	// after an error, see error().
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
