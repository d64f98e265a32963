// SPDX-License-Identifier: MIT
// One direction of a TCP connection: puts its bytes in order and splits them into DNS messages.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace synpipe {

class DnsStream {
public:
	// Sets the sequence number of the first byte. Only the first call counts.
	void start(uint32_t seq) {
		if (!started_) next_ = seq;
		started_ = true;
	}

	// Takes bytes as they arrive, which may be repeated or out of order. Returns false if too much is missing to continue.
	bool add(uint32_t seq, const char *data, size_t size);

	// Calls `visit` for each complete message, and removes it.
	void messages(const std::function<void(const uint8_t *, size_t)> &visit);

private:
	void append(uint32_t seq, const char *data, size_t size);

	bool started_ = false;
	uint32_t next_ = 0; // the sequence number after bytes_
	std::string bytes_; // between calls, less than one message
	std::vector<std::pair<uint32_t, std::string>> ahead_; // bytes after a gap, with the sequence number of the first
	size_t held_ = 0; // bytes in ahead_
};

} // namespace synpipe
