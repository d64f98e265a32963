// SPDX-License-Identifier: MIT
#include "libbpf_log.h"

#include <bpf/libbpf.h>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <exception>

namespace synpipe {
namespace {

// libbpf passes no argument of ours to its print function. Outside the constructor, nobody uses the log.
thread_local std::string *log_sink = nullptr;

int print(libbpf_print_level level, const char *format, va_list arguments) {
	if (level == LIBBPF_DEBUG || !log_sink) return 0;
	va_list again;
	va_copy(again, arguments);
	int size = vsnprintf(nullptr, 0, format, arguments); // the verifier's log comes as one text, with the reason at its end
	size_t before = log_sink->size();
	try {
		if (size > 0) log_sink->resize(before + size + 1);
		if (size > 0) vsnprintf(&(*log_sink)[before], size + 1, format, again), log_sink->pop_back();
	} catch (const std::exception &) { // no memory for it; an exception cannot pass through libbpf, which is C
	}
	va_end(again);
	return 0;
}

// No other code uses this copy of libbpf.
[[maybe_unused]] const libbpf_print_fn_t before = libbpf_set_print(print);

} // namespace

Log::Log() { log_sink = &text_; }

Log::~Log() { log_sink = nullptr; }

std::string Log::tail() const {
	size_t at = text_.size();
	for (int lines = 0; at > 0 && lines <= 20; at--)
		if (text_[at - 1] == '\n' && ++lines > 20) break;
	return text_.substr(at);
}

std::string Log::program() const {
	std::string refused = quoted("prog '", "BPF program load failed");
	return refused.empty() ? quoted("prog '", "failed to find kernel BTF type ID") : refused;
}

std::string Log::refused() const {
	std::string name = program();
	if (!name.empty()) return "program " + name;
	std::string map = quoted("map '", "failed to create");
	return map.empty() ? "program" : "map " + map;
}

std::string Log::quoted(const char *prefix, const char *complaint) const {
	size_t end = text_.find(complaint);
	size_t from = end == text_.npos ? end : text_.rfind(prefix, end);
	if (from == text_.npos) return "";
	from += strlen(prefix);
	return text_.substr(from, text_.find('\'', from) - from);
}

} // namespace synpipe
