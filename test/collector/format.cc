// SPDX-License-Identifier: MIT
// Reads records from stdin, each the size of an attempt_event, and writes their lines to stdout, then a lost event. Built
// and run by format.test.ts.
#include "../../collector/format.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

int main() {
	attempt_event event;
	synpipe::Format format;
	synpipe::DropNames names; // without those of the kernel, which differ
	attempt_event symbol = {};
	symbol.id = 0xffffffff81000001;
	strcpy(symbol.process.exe, "nft_do_chain.constprop.0 [nf_tables]");
	names.add(symbol);
	symbol.id++;
	memset(symbol.process.exe, 'x', sizeof symbol.process.exe); // too long, and without an end
	names.add(symbol);
	format.set_drop_names(&names);
	uint64_t seq = 0;
	// On the heap and of the promised sizes, so that the address sanitizer detects accesses beyond them.
	std::unique_ptr<char[]> line(new char[synpipe::kMaxLine]);
	while (fread(&event, sizeof event, 1, stdin) == 1) {
		size_t size = offsetof(attempt_event, process.exe) + event.process.exe_size;
		std::unique_ptr<void, void (*)(void *)> record(malloc(size), free);
		memcpy(record.get(), &event, size);
		char *end = format.attempt(line.get(), *static_cast<attempt_event *>(record.get()), ++seq);
		fwrite(line.get(), 1, end - line.get(), stdout);
	}
	fwrite(line.get(), 1, format.lost(line.get(), event.time_ns, "ring buffer", 17) - line.get(), stdout);
}
