// SPDX-License-Identifier: MIT
#include "dns_stream.h"

#include <cstring>

namespace synpipe {
namespace {

constexpr size_t kMaxAhead = 64 * 1024, kMaxPieces = 64;

} // namespace

bool DnsStream::add(uint32_t seq, const char *data, size_t size) {
	if (!started_) return false;
	const int32_t ahead = static_cast<int32_t>(seq - next_); // sequence numbers wrap
	if (ahead > 0) {
		held_ += size;
		ahead_.emplace_back(seq, std::string(data, size));
		return held_ <= kMaxAhead && ahead_.size() <= kMaxPieces;
	}
	append(seq, data, size);
	for (size_t i = 0; i < ahead_.size();) {
		auto &[at, bytes] = ahead_[i];
		if (static_cast<int32_t>(at - next_) > 0) {
			i++;
			continue;
		}
		append(at, bytes.data(), bytes.size());
		held_ -= bytes.size();
		ahead_.erase(ahead_.begin() + i);
		i = 0; // an earlier one may fit now
	}
	return true;
}

// Appends bytes that follow without a gap; some may be known already.
void DnsStream::append(uint32_t seq, const char *data, size_t size) {
	const size_t known = next_ - seq;
	if (known >= size) return;
	bytes_.append(data + known, size - known);
	next_ += size - known;
}

void DnsStream::messages(const std::function<void(const uint8_t *, size_t)> &visit) {
	size_t at = 0;
	auto data = reinterpret_cast<const uint8_t *>(bytes_.data());
	while (bytes_.size() - at >= 2) {
		const size_t size = data[at] << 8 | data[at + 1];
		if (bytes_.size() - at - 2 < size) break;
		visit(data + at + 2, size);
		at += 2 + size;
	}
	bytes_.erase(0, at);
}

} // namespace synpipe
