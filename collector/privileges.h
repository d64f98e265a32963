// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace synpipe {

constexpr uint64_t kCapBpf = 1ull << 39;

// The user that a process becomes, without supplementary groups.
struct Identity {
	uid_t uid;
	gid_t gid;
};

// Makes the calling thread become that user, if one is given. The thread keeps only the capabilities in `keep` that it has,
// and nothing that it executes can gain any. Its user can no longer trace the process. Returns 0 or an errno.
int give_up_privileges(uint64_t keep, const Identity *identity);

// Does the same for every thread of this process.
int give_up_privileges_everywhere(uint64_t keep, const Identity *identity);

} // namespace synpipe
