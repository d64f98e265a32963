// SPDX-License-Identifier: MIT
#include "kernel_types.h"

#include <bpf/btf.h>
#include <cstdint>
#include <fcntl.h>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace synpipe {
namespace {

using Btf = std::unique_ptr<btf, void (*)(btf *)>;

std::vector<char> read_file(const char *path) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat found;
	std::vector<char> bytes(fd >= 0 && fstat(fd, &found) == 0 ? found.st_size : 0);
	size_t size = 0;
	for (ssize_t n = 1; n > 0 && size < bytes.size(); size += n > 0 ? n : 0)
		n = read(fd, bytes.data() + size, bytes.size() - size);
	if (fd >= 0) close(fd);
	if (size < bytes.size()) bytes.clear();
	return bytes;
}

// The names of an object's types and of their fields. Only names that the kernel's types can have too matter.
struct Names {
	explicit Names(const btf *from) {
		for (uint32_t id = 1; id < btf__type_cnt(from); id++) {
			const btf_type *type = btf__type_by_id(from, id);
			if (!btf_is_composite(type) && !btf_is_enum(type)) continue;
			types.insert(btf__name_by_offset(from, type->name_off));
			if (btf_is_enum(type)) continue;
			for (int i = 0; i < btf_vlen(type); i++)
				fields.insert(btf__name_by_offset(from, btf_members(type)[i].name_off));
		}
		types.erase("");
	}
	std::set<std::string_view> types, fields; // fields include "", for unnamed fields that hold others
};

// The kernel's types as the kernel provides them, without an index of names.
class Raw {
public:
	explicit Raw(const char *path) : bytes_(read_file(path)) {
		auto head = reinterpret_cast<const btf_header *>(bytes_.data());
		if (bytes_.size() < sizeof *head || head->magic != BTF_MAGIC) return;
		size_t types = head->hdr_len + head->type_off, strings = head->hdr_len + head->str_off;
		if (types + head->type_len > bytes_.size() || strings + head->str_len > bytes_.size()) return;
		strings_ = bytes_.data() + strings;
		const char *at = bytes_.data() + types, *end = at + head->type_len;
		types_.push_back(nullptr); // void
		for (ssize_t size = 0; at < end; at += size) {
			auto type = reinterpret_cast<const btf_type *>(at);
			size = sizeof_type(type);
			types_.push_back(type);
			if (size == 0) types_.clear();
			if (size == 0) return;
		}
	}

	uint32_t count() const { return types_.size(); }
	const btf_type *type(uint32_t id) const { return types_.at(id); }
	const char *name(uint32_t offset) const { return strings_ + offset; }

	// Strips typedefs, qualifiers and tags from a type.
	uint32_t bare(uint32_t id) const {
		while (id && (btf_is_mod(type(id)) || btf_is_typedef(type(id)) || btf_is_type_tag(type(id)))) id = type(id)->type;
		return id;
	}

private:
	// Returns 0 for a type of an unknown kind.
	static ssize_t sizeof_type(const btf_type *type) {
		const ssize_t head = sizeof *type, n = btf_vlen(type);
		switch (btf_kind(type)) {
		case BTF_KIND_INT: case BTF_KIND_VAR: case BTF_KIND_DECL_TAG: return head + 4;
		case BTF_KIND_ARRAY: return head + sizeof(struct btf_array);
		case BTF_KIND_STRUCT: case BTF_KIND_UNION: return head + n * sizeof(struct btf_member);
		case BTF_KIND_ENUM: return head + n * sizeof(struct btf_enum);
		case BTF_KIND_ENUM64: case BTF_KIND_DATASEC: return head + n * 12;
		case BTF_KIND_FUNC_PROTO: return head + n * sizeof(struct btf_param);
		case BTF_KIND_PTR: case BTF_KIND_FWD: case BTF_KIND_TYPEDEF: case BTF_KIND_VOLATILE: case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT: case BTF_KIND_FUNC: case BTF_KIND_FLOAT: case BTF_KIND_TYPE_TAG: return head;
		}
		return 0;
	}

	const std::vector<char> bytes_;
	const char *strings_ = nullptr;
	std::vector<const btf_type *> types_;
};

class Copy {
public:
	Copy(const Raw &from, const Names &names) : from_(from), names_(names) {}

	Btf all() {
		for (uint32_t id = 1; to_ && id < from_.count(); id++) {
			const btf_type *type = from_.type(id);
			if ((btf_is_composite(type) || btf_is_enum(type)) && names_.types.count(from_.name(type->name_off))) copy(id);
		}
		return std::move(to_);
	}

private:
	// Copies a type. A pointer is copied without what it points to, which is a separate type that libbpf does not follow.
	int copy(uint32_t id) {
		id = from_.bare(id);
		auto found = copied_.find(id);
		if (found != copied_.end()) return found->second;
		const btf_type *type = id ? from_.type(id) : nullptr;
		if (type && btf_is_composite(type)) return copied_[id] = fields(type);
		return copied_[id] = simple(type);
	}

	int simple(const btf_type *type) {
		if (!type || btf_is_ptr(type)) return btf__add_ptr(to_.get(), 0);
		const char *name = from_.name(type->name_off);
		if (btf_is_int(type)) return btf__add_int(to_.get(), name, type->size, btf_int_encoding(type));
		if (btf_is_array(type)) {
			const struct btf_array *array = btf_array(type);
			return btf__add_array(to_.get(), copy(array->index_type), copy(array->type), array->nelems);
		}
		if (!btf_is_enum(type)) return btf__add_fwd(to_.get(), "other", BTF_FWD_STRUCT);
		int to = btf__add_enum(to_.get(), name, type->size);
		for (int i = 0; i < btf_vlen(type); i++)
			btf__add_enum_value(to_.get(), from_.name(btf_enum(type)[i].name_off), btf_enum(type)[i].val);
		return to;
	}

	int fields(const btf_type *type) {
		std::vector<std::pair<int, int>> wanted; // the field's number, and its type
		for (int i = 0; i < btf_vlen(type); i++)
			if (names_.fields.count(from_.name(btf_members(type)[i].name_off)))
				wanted.emplace_back(i, copy(btf_members(type)[i].type));
		const char *name = from_.name(type->name_off);
		auto add = btf_is_struct(type) ? btf__add_struct : btf__add_union;
		int to = add(to_.get(), name, type->size);
		for (auto [i, id] : wanted)
			btf__add_field(to_.get(), from_.name(btf_members(type)[i].name_off), id, btf_member_bit_offset(type, i),
						   btf_member_bitfield_size(type, i));
		return to;
	}

	const Raw &from_;
	const Names &names_;
	Btf to_{btf__new_empty(), btf__free};
	std::map<uint32_t, int> copied_;
};

} // namespace

KernelTypes::KernelTypes(const std::string &object) {
	Btf named(btf__parse_elf(object.c_str(), nullptr), btf__free);
	if (!named) return;
	Names names(named.get());
	names.fields.insert("");
	Raw kernel("/sys/kernel/btf/vmlinux");
	Btf types = Copy(kernel, names).all();
	uint32_t size = 0;
	const void *bytes = types && kernel.count() > 1 ? btf__raw_data(types.get(), &size) : nullptr;
	fd_ = bytes ? memfd_create("btf", MFD_CLOEXEC) : -1;
	if (fd_ >= 0 && write(fd_, bytes, size) == size) path_ = "/proc/self/fd/" + std::to_string(fd_);
}

KernelTypes::~KernelTypes() {
	if (fd_ >= 0) close(fd_);
}

} // namespace synpipe
