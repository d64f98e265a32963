// SPDX-License-Identifier: MIT
// Fuzzes the formatter: a record of any bytes makes exactly one canonical line. Built and run by format.test.ts.
#include "../../collector/format.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace {

[[noreturn]] void fail(const char *why, const char *line, const char *end) {
	fprintf(stderr, "%s: %.*s\n", why, static_cast<int>(end - line), line);
	abort();
}

// Returns the length of the UTF-8 sequence at `at`, or 0 if it is not valid (RFC 3629: no overlong form, no surrogate).
size_t utf8(const unsigned char *at, size_t left) {
	auto tail = [&](size_t i, int low = 0x80, int high = 0xbf) { return i < left && at[i] >= low && at[i] <= high; };
	unsigned char a = at[0];
	if (a < 0x80) return 1;
	if (a >= 0xc2 && a <= 0xdf) return tail(1) ? 2 : 0;
	if (a >= 0xe0 && a <= 0xef) return tail(1, a == 0xe0 ? 0xa0 : 0x80, a == 0xed ? 0x9f : 0xbf) && tail(2) ? 3 : 0;
	if (a >= 0xf0 && a <= 0xf4)
		return tail(1, a == 0xf0 ? 0x90 : 0x80, a == 0xf4 ? 0x8f : 0xbf) && tail(2) && tail(3) ? 4 : 0;
	return 0;
}

// Checks for one flat object in canonical form: strings, integers and true, no spaces, no terminal control characters.
class Check {
public:
	Check(const char *line, const char *end) : line_(line), at_(line), end_(end) {
		want("{");
		do {
			string();
			want(":");
			if (peek() == '"') string();
			else if (peek() == 't') want("true");
			else integer();
		} while (peek() == ',' && at_++);
		want("}\n");
		if (at_ != end_) fail("more than one line", line_, end_);
	}

private:
	char peek() const { return at_ < end_ ? *at_ : 0; }

	void want(const char *text) {
		size_t size = strlen(text);
		if (static_cast<size_t>(end_ - at_) < size || memcmp(at_, text, size)) fail("not JSON", line_, end_);
		at_ += size;
	}

	void integer() {
		const char *first = at_;
		while (peek() >= '0' && peek() <= '9') at_++;
		if (at_ == first || (*first == '0' && at_ > first + 1)) fail("not a number", line_, end_);
	}

	void string() {
		want("\"");
		while (peek() != '"') {
			auto byte = reinterpret_cast<const unsigned char *>(at_);
			if (at_ >= end_ || *byte < 0x20 || *byte == 0x7f) fail("a control character", line_, end_);
			if (*byte == 0xc2 && end_ - at_ > 1 && byte[1] < 0xa0) fail("a C1 control character", line_, end_);
			if (*byte == '\\') {
				escape();
				continue;
			}
			size_t size = utf8(byte, end_ - at_);
			if (size == 0) fail("not UTF-8", line_, end_);
			at_ += size;
		}
		at_++;
	}

	void escape() {
		at_++;
		if (peek() && strchr("\"\\bfnrt", peek())) {
			at_++;
			return;
		}
		want("u00");
		for (int i = 0; i < 2; i++, at_++)
			if (!peek() || !strchr("0123456789abcdef", peek())) fail("a bad escape", line_, end_);
	}

	const char *const line_;
	const char *at_;
	const char *const end_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	attempt_event event = {};
	memcpy(&event, data, size < sizeof(event) ? size : sizeof(event));

	// On the heap and of the promised size, so that the address sanitizer detects a longer line.
	std::unique_ptr<char[]> line(new char[synpipe::kMaxLine]);
	static const synpipe::DropNames names;
	synpipe::Format format;
	format.set_drop_names(&names);
	format.set_clock(size > 8 ? data[8] * 1'000'000'000'000'000ll : 0);
	Check(line.get(), format.attempt(line.get(), event, event.id));
	Check(line.get(), format.lost(line.get(), event.time_ns, "ring buffer", event.id));
	return 0;
}
