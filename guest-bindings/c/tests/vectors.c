/* Builds archives as a script says, for the test that compares them with the Rust payload crate's: tests/languages has the
 * script's format. A parser, so that it goes the way that plugins go. */
#include <stdlib.h>
#include <string.h>

#include "chipmunk.h"

static const uint8_t *script;
static chipmunk_batch batch;
static chipmunk_chunk chunk;

static uint8_t byte(void) { return *script++; }
static uint32_t number(void) { uint32_t n; memcpy(&n, script, 4); script += 4; return n; }
static uint64_t wide(void) { uint64_t n; memcpy(&n, script, 8); script += 8; return n; }
static chipmunk_str bytes(void) { uint32_t len = number(); script += len; return (chipmunk_str){script - len, len}; }
static char *text(void) { return chipmunk_terminated(bytes()); }

static void attach(void) {
    uint32_t consumed = number();
    bool message = byte();
    uint32_t start = number(), len = number();
    chipmunk_attachment a = {.name = text(), .size = wide()};
    if (byte()) a.created = text();
    if (byte()) a.modified = text();
    a.numbers_len = number();
    uint64_t *numbers = malloc(a.numbers_len * 8 + 1);
    for (size_t i = 0; i < a.numbers_len; i++) numbers[i] = wide();
    a.numbers = numbers;
    chipmunk_str data = bytes();
    a.data = data.ptr, a.data_len = data.len;
    if (message) chipmunk_message_attached(&batch, consumed, start, len, &a);
    else chipmunk_attached(&batch, consumed, &a);
}

static chipmunk_bytes parse(chipmunk_input input) {
    script = input.data;
    for (;;) {
        uint8_t op = byte();
        if (op == 'B') chipmunk_batch_begin(&batch, number());
        if (op == 't') { chipmunk_str s = bytes(); chipmunk_text(&batch, s.ptr, s.len); }
        if (op == 'l') { chipmunk_str s = bytes(); chipmunk_text_lossy(&batch, s.ptr, s.len); }
        if (op == 'c') chipmunk_end_cell(&batch);
        if (op == 'm') { uint32_t consumed = number(), start = number(), len = number(); chipmunk_message(&batch, consumed, start, len, byte()); }
        if (op == 'f') chipmunk_filtered(&batch, number());
        if (op == 's') { uint32_t consumed = number(); chipmunk_skipped(&batch, consumed, byte()); }
        if (op == 'a') attach();
        if (op == 'F' && chipmunk_is_full(&batch)) return chipmunk_batch_finish(&batch, CHIPMUNK_FULL, 0, NULL);
        if (op == 'z') { uint8_t state = byte(); uint32_t needed = number(); return chipmunk_batch_finish(&batch, state, needed, text()); }
        if (op == 'S') chipmunk_chunk_begin(&chunk, number());
        if (op == 'b') { chipmunk_str s = bytes(); chipmunk_append(&chunk.bytes, s.ptr, s.len); }
        if (op == 'k') { uint32_t skipped = number(); bool has = byte(); uint64_t time = wide(); chipmunk_segment(&chunk, skipped, has ? &time : NULL); }
        if (op == 'Z') { uint32_t state = number(); return chipmunk_chunk_finish(&chunk, state, number()); }
    }
}

static bool init(const chipmunk_config *config, chipmunk_output output, uint32_t max, chipmunk_failure *failure) {
    (void)config, (void)output, (void)failure;
    chipmunk_batch_begin(&batch, max);
    return true;
}

const chipmunk_parser chipmunk_parser_plugin = {.version = {0, 2, 0}, .capabilities = CHIPMUNK_CAN_RANGES, .init = init, .parse = parse};
