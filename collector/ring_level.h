// SPDX-License-Identifier: MIT
// Shows how full a BPF ring buffer is, from any thread, by its two positions, which the kernel lets user space map.
#pragma once

#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

namespace synpipe {

class RingLevel {
public:
	explicit RingLevel(int map_fd) : page_(sysconf(_SC_PAGESIZE)), consumer_(map(map_fd, 0)), producer_(map(map_fd, page_)) {}
	~RingLevel() {
		unmap(consumer_);
		unmap(producer_);
	}
	RingLevel(const RingLevel &) = delete;

	// Returns the bytes that wait to be read, the records' headers included; 0 if it cannot be known.
	uint64_t bytes() const {
		if (consumer_ == MAP_FAILED || producer_ == MAP_FAILED) return 0;
		uint64_t read = at(consumer_); // first, so that what is read meanwhile does not make the result negative
		return at(producer_) - read;
	}

private:
	void *map(int fd, off_t offset) { return mmap(nullptr, page_, PROT_READ, MAP_SHARED, fd, offset); }
	void unmap(void *page) {
		if (page != MAP_FAILED) munmap(page, page_);
	}
	static uint64_t at(const void *page) {
		return __atomic_load_n(static_cast<const unsigned long *>(page), __ATOMIC_ACQUIRE);
	}

	const long page_;
	void *const consumer_, *const producer_;
};

} // namespace synpipe
