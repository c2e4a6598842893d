/* Text of unknown bytes: a fast copy of what is ASCII, and the replacement of what is not UTF-8. */
#ifndef CHIPMUNK_UTF8_H
#define CHIPMUNK_UTF8_H

#include <stddef.h>
#include <stdint.h>
#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Copies the ASCII at the start of `from`, and says how much that is; may write up to `len` bytes. In WebAssembly a copy of unknown
 * length leaves the guest's code for a function of the engine: short ones are cheaper with loads and stores. */
static inline size_t chipmunk_ascii_copy(uint8_t *to, const uint8_t *from, size_t len) {
    size_t at = 0;
#ifdef __wasm_simd128__
    for (; at + 16 <= len; at += 16) {
        v128_t bytes = wasm_v128_load(from + at);
        uint32_t high = wasm_i8x16_bitmask(bytes);
        wasm_v128_store(to + at, bytes);
        if (high) return at + (size_t)__builtin_ctz(high);
    }
#endif
    for (; at + 8 <= len; at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, from + at, 8);
        if (word & 0x8080808080808080u) break;
        __builtin_memcpy(to + at, &word, 8);
    }
    for (; at < len && from[at] < 0x80; at++) to[at] = from[at];
    return at;
}

/* Copies text, with U+FFFD for each maximal part of a character that is none; `to` has room for three times as much.
 * Returns how many bytes that makes. */
size_t chipmunk_utf8_lossy(uint8_t *to, const uint8_t *from, size_t len);

#ifdef __cplusplus
}
#endif
#endif
