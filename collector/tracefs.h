// SPDX-License-Identifier: MIT
#pragma once

namespace synpipe {

// Opens a perf event on the tracepoint "group/name", for a BPF program to attach to. Returns its descriptor or a negative errno.
int open_tracepoint(const char *name);

} // namespace synpipe
