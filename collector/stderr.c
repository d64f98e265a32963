/* SPDX-License-Identifier: MIT */
/*
 * The libbpf.a of Debian is compiled for executables: it refers to the C library's stderr in a way that only
 * an executable can resolve, and nothing else of its kind. That one reference ends here. It is in libbpf's
 * default print function, which program.cc replaces before anything is printed.
 */
__attribute__((visibility("hidden"))) void *stderr;
