// WebAssembly's 16-byte SIMD operations. For ../native/ahead.c, defines the same names with instructions of x86-64 and arm64.
#pragma once
#ifdef __wasm__
#include <wasm_simd128.h>
#define EXPORT(name) __attribute__((export_name(#name)))
#define PER_THREAD
#else
#define EXPORT(name)
#define PER_THREAD _Thread_local
typedef unsigned char v128_t __attribute__((vector_size(16)));
typedef signed char i8x16 __attribute__((vector_size(16)));
typedef unsigned char unaligned_v128 __attribute__((vector_size(16), aligned(1), may_alias));
#define wasm_v128_load(place) ((v128_t)*(const unaligned_v128 *)(place))
#define wasm_v128_store(place, bytes) (void)(*(unaligned_v128 *)(place) = (bytes))
#define wasm_u8x16_const(...) ((v128_t){__VA_ARGS__})
#define wasm_i8x16_splat(byte) ((v128_t){} + (unsigned char)(byte))
#define wasm_i8x16_sub(a, b) ((a) - (b))
#define wasm_i8x16_eq(a, b) ((v128_t)((a) == (b)))
#define wasm_i8x16_lt(a, b) ((v128_t)((i8x16)(a) < (i8x16)(b)))
#define wasm_u8x16_le(a, b) ((v128_t)((a) <= (b)))
#define wasm_v128_or(a, b) ((a) | (b))
#define wasm_i8x16_all_true(bytes) (wasm_i8x16_bitmask((bytes) == 0) == 0)
#if defined __x86_64__
#include <emmintrin.h>
#define wasm_i8x16_bitmask(bytes) ((unsigned)_mm_movemask_epi8((__m128i)(bytes)))
#elif defined __aarch64__
#include <arm_neon.h>
static inline unsigned wasm_i8x16_bitmask(v128_t bytes) {
	const v128_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
	uint8x16_t set = (uint8x16_t)((v128_t)((i8x16)bytes < 0) & bits);
	return vaddv_u8(vget_low_u8(set)) | (unsigned)vaddv_u8(vget_high_u8(set)) << 8;
}
#else
#error "unsupported processor"
#endif
#endif
