/* SPDX-License-Identifier: MIT */
/*
 * Debian's libbpf.a and libelf.a are compiled for executables: in two places they refer to data in a way that only an
 * executable can resolve. This file provides both instead.
 */
#define HIDDEN __attribute__((visibility("hidden")))

/* Used only by libbpf's default print function, which load_object.cc replaces before anything is printed. */
HIDDEN void *stderr;

/* libelf's last error, which is per thread (elf_error.o). The table of texts is left out. */
static _Thread_local int last;

HIDDEN void __libelf_seterrno(int error) { last = error; }

HIDDEN int elf_errno(void) {
	int error = last;
	last = 0;
	return error;
}

HIDDEN const char *elf_errmsg(int error) {
	static _Thread_local char text[32];
	if (error == 0 && last == 0) return 0;
	__builtin_snprintf(text, sizeof text, "libelf error %d", error > 0 ? error : last);
	return text;
}
