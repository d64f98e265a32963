// SPDX-License-Identifier: MIT
// One direction of a TCP connection: its bytes in order, cut into DNS messages.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace synpipe {

class DnsStream {
public:
	// The number of the first byte. Only the first call counts.
	void start(uint32_t seq) {
		if (!started_) next_ = seq;
		started_ = true;
	}

	// Bytes as they come: again, or before others. False: too much is missing to go on.
	bool add(uint32_t seq, const char *data, size_t size);

	// Calls for each whole message that is there.
	void messages(const std::function<void(const uint8_t *, size_t)> &visit);

private:
	void append(uint32_t seq, const char *data, size_t size);

	bool started_ = false;
	uint32_t next_ = 0; // the first byte's that is not in bytes_
	std::string bytes_; // less than one message, between calls
	std::vector<std::pair<uint32_t, std::string>> ahead_; // what came before what is missing, by the first byte's number
	size_t held_ = 0; // bytes in ahead_
};

} // namespace synpipe
