#include "chipmunk_utf8.h"

/* The length of the character at the start of what is left, or minus that of the bytes to replace: table 3-7 of the
 * Unicode standard says which second bytes may follow a first. */
static int character(const uint8_t *from, size_t len) {
    uint8_t first = from[0], low = 0x80, high = 0xbf;
    int size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (size == 0) return -1;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    for (int at = 1; at < size; at++) {
        if ((size_t)at >= len || from[at] < low || from[at] > high) return -at;
        low = 0x80, high = 0xbf;
    }
    return size;
}

size_t chipmunk_utf8_lossy(uint8_t *to, const uint8_t *from, size_t len) {
    uint8_t *begin = to;
    while (len) {
        size_t ascii = chipmunk_ascii_copy(to, from, len);
        from += ascii, to += ascii, len -= ascii;
        if (!len) break;
        int size = character(from, len);
        if (size < 0) {
            *to++ = 0xef, *to++ = 0xbf, *to++ = 0xbd;
            size = -size;
        } else {
            for (int at = 0; at < size; at++) *to++ = from[at];
        }
        from += size, len -= (size_t)size;
    }
    return (size_t)(to - begin);
}
