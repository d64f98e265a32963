// SPDX-License-Identifier: MIT
// What libbpf and the verifier print while this thread loads programs.
#pragma once

#include <string>

namespace synpipe {

// Collects libbpf's messages on this thread while it exists. One at a time.
class Log {
public:
	Log();
	~Log();
	Log(const Log &) = delete;
	Log &operator=(const Log &) = delete;

	// Returns the last 20 lines.
	std::string tail() const;

	// Returns the program that the kernel refused, or has no function for; empty if libbpf does not name it.
	std::string program() const;

	// Returns what the kernel refused, as far as libbpf names it: "program connect_enter", "map events".
	std::string refused() const;

private:
	std::string quoted(const char *prefix, const char *complaint) const;

	std::string text_;
};

} // namespace synpipe
