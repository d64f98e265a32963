// SPDX-License-Identifier: MIT
// The words that stand for the numbers in the kernel's records.
#pragma once

#include "attempt.h"

namespace synpipe {

const char *type_name(const attempt_event &event);
const char *via_name(unsigned via);
const char *result_name(const attempt_event &event);
const char *closed_by_name(unsigned how);

// Returns NULL for an error that has no name.
const char *icmp_name(const attempt_icmp &icmp);

} // namespace synpipe
