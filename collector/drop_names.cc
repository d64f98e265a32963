// SPDX-License-Identifier: MIT
#include "drop_names.h"

#include <bpf/btf.h>
#include <cctype>
#include <cstring>
#include <memory>

namespace synpipe {
namespace {

constexpr int kSubsystemShift = 16;
constexpr size_t kMaxName = 63; // as in the schema of drop_at

// Returns the values of an enum, by number, without the prefix of their names.
std::unordered_map<uint32_t, std::string> values_of(const btf *types, const char *name, const std::string &prefix) {
	std::unordered_map<uint32_t, std::string> values;
	const int id = btf__find_by_name_kind(types, name, BTF_KIND_ENUM);
	if (id < 0) return values;
	const btf_type *type = btf__type_by_id(types, id);
	for (uint16_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_enum &value = btf_enum(type)[i];
		const std::string full = btf__name_by_offset(types, value.name_off);
		if (full.compare(0, prefix.size(), prefix) == 0) values.emplace(value.val, full.substr(prefix.size()));
	}
	return values;
}

// Returns how many arguments a tracepoint has, apart from its own first one; 0 if it does not exist.
int arguments_of(const btf *types, const char *tracepoint) {
	const int id = btf__find_by_name_kind(types, (std::string("btf_trace_") + tracepoint).c_str(), BTF_KIND_TYPEDEF);
	if (id < 0) return 0;
	const btf_type *type = btf__type_by_id(types, btf__type_by_id(types, id)->type); // a pointer
	return btf_vlen(btf__type_by_id(types, type->type)) - 1;
}

} // namespace

attempt_drop_arguments DropNames::load() {
	const std::unique_ptr<btf, void (*)(btf *)> types(btf__load_vmlinux_btf(), btf__free);
	if (!types) return ATTEMPT_DROPS_OFF;
	reasons_ = values_of(types.get(), "skb_drop_reason", "SKB_DROP_REASON_");
	subsystems_ = values_of(types.get(), "skb_drop_reason_subsys", "SKB_DROP_REASON_SUBSYS_");
	const int arguments = arguments_of(types.get(), "kfree_skb");
	return arguments < 3 ? ATTEMPT_DROPS_OFF : arguments == 3 ? ATTEMPT_DROPS_REASON : ATTEMPT_DROPS_SOCKET;
}

// The kernel adds the module to a function's name, and the compiler a suffix, as in "nft_do_chain.constprop.0 [nf_tables]".
void DropNames::add(const attempt_event &symbol) {
	const char *name = symbol.process.exe;
	size_t length = 0;
	while (length < kMaxName && (isalnum(static_cast<unsigned char>(name[length])) || name[length] == '_')) length++;
	if (length > 0) functions_[symbol.id].assign(name, length);
}

std::string DropNames::reason(uint32_t number) const {
	if (auto found = reasons_.find(number); found != reasons_.end()) return found->second;
	const uint32_t subsystem = number >> kSubsystemShift, own = number & ((1u << kSubsystemShift) - 1);
	if (subsystem == 0) return std::to_string(number);
	const auto found = subsystems_.find(subsystem);
	return (found == subsystems_.end() ? std::to_string(subsystem) : found->second) + ":" + std::to_string(own);
}

const char *DropNames::place(uint64_t at) const {
	static const char *const hooks[ATTEMPT_HOOKS] = {nullptr, "INPUT", "OUTPUT", "POSTROUTING"};
	if (at < ATTEMPT_HOOKS) return hooks[at];
	const auto found = functions_.find(at);
	return found == functions_.end() ? nullptr : found->second.c_str();
}

} // namespace synpipe
