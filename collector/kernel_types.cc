// SPDX-License-Identifier: MIT
#include "kernel_types.h"

#include <bpf/btf.h>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace synpipe {
namespace {

using Btf = std::unique_ptr<btf, void (*)(btf *)>;

// The names of an object's types and of their fields. "" among the fields stands for those without a name, which hold others.
struct Names {
	explicit Names(const btf *object) : fields{""} {
		for (uint32_t id = 1; id < btf__type_cnt(object); id++) {
			const btf_type *type = btf__type_by_id(object, id);
			if (!btf_is_composite(type) && !btf_is_enum(type)) continue;
			types.insert(btf__name_by_offset(object, type->name_off));
			if (btf_is_enum(type)) continue;
			for (int i = 0; i < btf_vlen(type); i++)
				fields.insert(btf__name_by_offset(object, btf_members(type)[i].name_off));
		}
		types.erase("");
	}
	std::set<std::string_view> types, fields;
};

class Copy {
public:
	Copy(const btf *kernel, const Names &names) : from_(kernel), names_(names) {}

	Btf all() {
		for (uint32_t id = 1; id < btf__type_cnt(from_); id++) {
			const btf_type *type = btf__type_by_id(from_, id);
			if ((btf_is_composite(type) || btf_is_enum(type)) && names_.types.count(name(type->name_off))) copy(id);
		}
		return std::move(to_);
	}

private:
	const char *name(uint32_t offset) const { return btf__name_by_offset(from_, offset); }

	// Copies a type without typedefs and the like. Returns its number in the copy.
	int copy(uint32_t id) {
		const btf_type *type = btf__type_by_id(from_, id);
		for (; btf_is_mod(type) || btf_is_typedef(type) || btf_is_type_tag(type); type = btf__type_by_id(from_, id)) id = type->type;
		auto found = copied_.find(id);
		if (found != copied_.end()) return found->second;
		return copied_[id] = btf_is_composite(type) ? fields(type) : simple(type);
	}

	// libbpf does not follow pointers: what they point to is of no use here.
	int simple(const btf_type *type) {
		if (btf_is_void(type) || btf_is_ptr(type)) return btf__add_ptr(to_.get(), 0);
		if (btf_is_int(type)) return btf__add_int(to_.get(), name(type->name_off), type->size, btf_int_encoding(type));
		if (btf_is_array(type)) {
			const struct btf_array *array = btf_array(type);
			return btf__add_array(to_.get(), copy(array->index_type), copy(array->type), array->nelems);
		}
		if (!btf_is_enum(type)) return btf__add_fwd(to_.get(), "other", BTF_FWD_STRUCT);
		int to = btf__add_enum(to_.get(), name(type->name_off), type->size);
		for (int i = 0; i < btf_vlen(type); i++)
			btf__add_enum_value(to_.get(), name(btf_enum(type)[i].name_off), btf_enum(type)[i].val);
		return to;
	}

	int fields(const btf_type *type) {
		std::vector<std::pair<int, int>> wanted; // a field's position, and its type in the copy
		for (int i = 0; i < btf_vlen(type); i++)
			if (names_.fields.count(name(btf_members(type)[i].name_off)))
				wanted.emplace_back(i, copy(btf_members(type)[i].type));
		auto add = btf_is_struct(type) ? btf__add_struct : btf__add_union;
		int to = add(to_.get(), name(type->name_off), type->size);
		for (auto [i, id] : wanted)
			btf__add_field(to_.get(), name(btf_members(type)[i].name_off), id, btf_member_bit_offset(type, i),
						   btf_member_bitfield_size(type, i));
		return to;
	}

	const btf *from_;
	const Names &names_;
	Btf to_{btf__new_empty(), btf__free};
	std::map<uint32_t, int> copied_;
};

} // namespace

KernelTypes::KernelTypes(const std::string &object) {
	Btf named(btf__parse_elf(object.c_str(), nullptr), btf__free), kernel(btf__load_vmlinux_btf(), btf__free);
	if (!named || !kernel) return;
	Names names(named.get());
	Btf types = Copy(kernel.get(), names).all();
	uint32_t size = 0;
	const void *bytes = btf__raw_data(types.get(), &size);
	fd_ = bytes ? memfd_create("btf", MFD_CLOEXEC) : -1;
	if (fd_ >= 0 && write(fd_, bytes, size) == size) path_ = "/proc/self/fd/" + std::to_string(fd_);
}

KernelTypes::~KernelTypes() {
	if (fd_ >= 0) close(fd_);
}

} // namespace synpipe
