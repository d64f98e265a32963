// SPDX-License-Identifier: MIT
#pragma once

#include <string>

struct bpf_object;

namespace synpipe {

class KernelTypes;

// Returns NULL, with errno set, if that fails. `types` must exist until the object is loaded.
bpf_object *open_object(const std::string &path, const KernelTypes &types);

// Throws Failure, with that step and the name of what the kernel refused: "cannot load BPF program connect_enter: EPERM".
void load_object(bpf_object *object, const char *step);

} // namespace synpipe
