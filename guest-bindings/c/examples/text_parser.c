/* The Chipmunk plugin `text-parser`: every line is a message, whatever ends it. Its own bytes are all of it, its text is the
 * line without the ending. See host/text for what a line is: this gives the same, byte for byte. */
#include <stdlib.h>
#include <string.h>

#include "chipmunk.h"
#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

static chipmunk_batch batch;
static chipmunk_output output;
static char *separator;
static size_t separator_len;

static bool init(const chipmunk_config *config, chipmunk_output wanted, uint32_t max_archive_bytes,
                 chipmunk_failure *failure) {
    (void)failure;
    free(separator);
    output = wanted;
    separator = chipmunk_terminated(chipmunk_string(config, "column-split"));
    separator_len = chipmunk_string(config, "column-split").len;
    chipmunk_batch_begin(&batch, max_archive_bytes);
    return true;
}

/* Where the next `\n` or `\r` is, or `len`. */
static size_t line_end(const uint8_t *data, size_t len) {
    size_t at = 0;
#ifdef __wasm_simd128__
    for (; at + 16 <= len; at += 16) {
        v128_t bytes = wasm_v128_load(data + at);
        v128_t ends = wasm_v128_or(wasm_i8x16_eq(bytes, wasm_i8x16_const_splat('\n')),
                                   wasm_i8x16_eq(bytes, wasm_i8x16_const_splat('\r')));
        if (wasm_v128_any_true(ends)) return at + (size_t)__builtin_ctz(wasm_i8x16_bitmask(ends));
    }
#endif
    while (at < len && data[at] != '\n' && data[at] != '\r') at++;
    return at;
}

static void cell(const uint8_t *text, size_t len) {
    chipmunk_text_lossy(&batch, text, len);
    chipmunk_end_cell(&batch);
}

static void cells(const uint8_t *line, size_t len) {
    if (output == CHIPMUNK_RANGES) return;
    if (output == CHIPMUNK_COLUMNS && separator_len) {
        for (size_t at = 0; at + separator_len <= len;) {
            if (memcmp(line + at, separator, separator_len) != 0) {
                at++;
                continue;
            }
            cell(line, at);
            line += at + separator_len, len -= at + separator_len, at = 0;
        }
    }
    cell(line, len);
}

static chipmunk_bytes parse(chipmunk_input input) {
    const uint8_t *rest = input.data, *end = input.data + input.len;
    uint8_t state = CHIPMUNK_COMPLETE;
    while (rest < end) {
        if (chipmunk_is_full(&batch)) {
            state = CHIPMUNK_FULL;
            break;
        }
        size_t left = (size_t)(end - rest), len = line_end(rest, left), ending = 0;
        if (len < left) ending = rest[len] == '\r' && len + 1 < left && rest[len + 1] == '\n' ? 2 : 1;
        /* A `\r` that comes last may be half an ending. */
        if (!input.at_end && (len == left || (rest[len] == '\r' && len + 1 == left))) {
            state = CHIPMUNK_INCOMPLETE;
            break;
        }
        cells(rest, len);
        chipmunk_message(&batch, (uint32_t)(len + ending), 0, (uint32_t)(len + ending), false);
        rest += len + ending;
    }
    return chipmunk_batch_finish(&batch, state, 0, NULL);
}

static const chipmunk_item ITEMS[] = {{
    .id = "column-split",
    .title = "Column separator",
    .description = "What stands between the columns of a line; lines are not split if it is empty.",
    .kind = CHIPMUNK_TEXT,
}};
static const chipmunk_column COLUMNS[] = {{"Text", "The line, or its first column.", -1}};

const chipmunk_parser chipmunk_parser_plugin = {
    .version = {0, 2, 0},
    .items = ITEMS,
    .items_len = 1,
    .capabilities = CHIPMUNK_CAN_RANGES | CHIPMUNK_CAN_LINE | CHIPMUNK_CAN_COLUMNS,
    .columns = COLUMNS,
    .columns_len = 1,
    .min_width = 3,
    .max_width = 1000,
    .init = init,
    .parse = parse,
};
