// SPDX-License-Identifier: MIT
#pragma once

struct bpf_object;

namespace synpipe {

// Throws Failure, with that step and the name of what the kernel refused: "cannot load BPF program connect_enter: EPERM".
void load_object(bpf_object *object, const char *step);

} // namespace synpipe
