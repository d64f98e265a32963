// SPDX-License-Identifier: MIT
// Names for why and where the kernel drops packets. Numbers and addresses differ from kernel to kernel.
#pragma once

#include "attempt.h"

#include <string>
#include <unordered_map>

namespace synpipe {

class DropNames {
public:
	// Reads the reasons from the kernel's types (BTF). Returns which arguments kfree_skb has: ATTEMPT_DROPS_OFF without a reason.
	attempt_drop_arguments load();

	// Takes a record of the kind ATTEMPT_SYMBOL.
	void add(const attempt_event &symbol);

	// Returns a name such as NETFILTER_DROP, or OPENVSWITCH:3 for a subsystem's own reason; the number if it has no name.
	std::string reason(uint32_t number) const;

	// Returns the name of a hook or of a function; NULL if it is not known.
	const char *place(uint64_t at) const;

private:
	std::unordered_map<uint32_t, std::string> reasons_, subsystems_;
	std::unordered_map<uint64_t, std::string> functions_;
};

} // namespace synpipe
