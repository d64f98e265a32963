// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace synpipe {

constexpr uint64_t kCapBpf = 1ull << 39;

// Of all capabilities, those in `keep` that it has stay with the calling thread, and nothing that it executes
// can gain any.
void give_up_privileges(uint64_t keep);

// The same for every thread of this process. Returns 0 or an errno.
int give_up_privileges_everywhere(uint64_t keep);

} // namespace synpipe
