// SPDX-License-Identifier: MIT
#include "writer.h"

#include "format.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace synpipe {

constexpr size_t kBatch = 64 * 1024; // a pipe's usual capacity

Writer::Writer(int fd, int abandon_fd) : fd_(fd), abandon_fd_(abandon_fd), buffer_(kBatch + kMaxLine) {}

bool Writer::commit(char *end) {
	used_ = end - buffer_.data();
	return used_ < kBatch || flush();
}

bool Writer::text(const std::string &text) {
	if (text.size() <= kMaxLine) return commit(std::copy(text.begin(), text.end(), line()));
	return flush() && write_all(text.data(), text.size());
}

bool Writer::flush() {
	size_t size = used_;
	used_ = 0;
	return write_all(buffer_.data(), size);
}

bool Writer::write_all(const char *data, size_t size) {
	while (size > 0 && error_ == 0) {
		ssize_t n = write(fd_, data, size);
		if (n >= 0) {
			data += n;
			size -= n;
			bytes_.fetch_add(n, std::memory_order_relaxed);
		} else if (errno == EAGAIN) {
			wait();
		} else if (errno != EINTR) {
			error_ = errno == ECONNRESET ? EPIPE : errno; // a socket's reader is gone and left something unread
		}
	}
	return error_ == 0;
}

// Waits until the descriptor is writable, or `abandon_fd` is readable. If the reader is gone, poll() reports POLLERR, and the
// next write gives the reason.
bool Writer::wait() {
	pollfd fds[] = {{fd_, POLLOUT, 0}, {abandon_fd_, POLLIN, 0}};
	if (poll(fds, 2, -1) > 0 && fds[1].revents != 0) error_ = ECANCELED;
	return error_ == 0;
}

} // namespace synpipe
