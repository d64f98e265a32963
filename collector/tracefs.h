// SPDX-License-Identifier: MIT
#pragma once

namespace synpipe {

// A perf event on the tracepoint "group/name", for a BPF program to attach to; or a negative errno.
int open_tracepoint(const char *name);

} // namespace synpipe
