// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace synpipe {

constexpr uint64_t kCapBpf = 1ull << 39;

// The user that a process becomes. It has no supplementary groups then.
struct Identity {
	uid_t uid;
	gid_t gid;
};

// Makes the calling thread that user, if one is given. Of all capabilities it keeps those in `keep` that it has, and
// nothing that it executes can gain any. The process cannot be traced by its user any more. Returns 0 or an errno.
int give_up_privileges(uint64_t keep, const Identity *identity);

// The same for every thread of this process.
int give_up_privileges_everywhere(uint64_t keep, const Identity *identity);

} // namespace synpipe
