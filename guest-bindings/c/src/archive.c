#include "chipmunk_archive.h"

#include <stdlib.h>
#include <string.h>

#include "chipmunk_utf8.h"

enum { CELL = 4, ITEM = 20, ATTACHMENT = 44, NUMBER = 8, SEGMENT = 20, ROOT = 72 };
enum { MESSAGE, ATTACHED, MESSAGE_ATTACHED, FILTERED, SKIPPED };

static size_t padded(size_t len) { return (len + 3) & ~(size_t)3; }

uint8_t *chipmunk_reserve(chipmunk_buffer *buffer, size_t more) {
    if (buffer->capacity - buffer->len < more) {
        size_t wanted = buffer->len + more, doubled = buffer->capacity * 2;
        buffer->capacity = wanted > doubled ? wanted : doubled;
        buffer->ptr = realloc(buffer->ptr, buffer->capacity);
        if (!buffer->ptr) abort();
    }
    return buffer->ptr + buffer->len;
}

void chipmunk_append(chipmunk_buffer *buffer, const void *bytes, size_t len) {
    if (len) memcpy(chipmunk_reserve(buffer, len), bytes, len);
    buffer->len += len;
}

static void pad(chipmunk_buffer *buffer) { chipmunk_append(buffer, "\0\0\0", padded(buffer->len) - buffer->len); }

/* Entries of the root, which begins here; starts and counts of arrays in turn. */
static void entries(chipmunk_buffer *out, const uint32_t *arrays, int count) {
    for (int i = 0; i < count; i++) {
        uint32_t entry[2] = {arrays[2 * i] - (uint32_t)out->len, arrays[2 * i + 1]};
        chipmunk_append(out, entry, 8);
    }
}

void chipmunk_batch_begin(chipmunk_batch *batch, uint32_t max_archive_bytes) {
    size_t max = max_archive_bytes < 0x7fffffff ? max_archive_bytes : 0x7fffffff;
    *batch = (chipmunk_batch){.max = max, .largest = max / 16};
}

void chipmunk_text(chipmunk_batch *batch, const void *utf8, size_t len) { chipmunk_append(&batch->text, utf8, len); }

void chipmunk_text_lossy(chipmunk_batch *batch, const uint8_t *bytes, size_t len) {
    /* Three bytes of U+FFFD for each that is wrong, and what chipmunk_utf8_copy writes too much. */
    uint8_t *to = chipmunk_reserve(&batch->text, len + 16);
    size_t ascii = chipmunk_ascii_copy(to, bytes, len);
    batch->text.len += ascii;
    if (ascii == len) return;
    to = chipmunk_reserve(&batch->text, 3 * (len - ascii));
    batch->text.len += chipmunk_utf8_lossy(to, bytes + ascii, len - ascii);
}

void chipmunk_end_cell(chipmunk_batch *batch) {
    uint32_t end = (uint32_t)(batch->cell_start = batch->text.len);
    memcpy(chipmunk_reserve(&batch->cells, CELL), &end, CELL);
    batch->cells.len += CELL;
}

static size_t archived(const chipmunk_batch *batch, size_t error) {
    size_t attached = batch->attachments.len ? padded(batch->data.len) + batch->attachments.len + batch->numbers.len : 0;
    return padded(batch->text.len + batch->attachment_text.len + error) + batch->cells.len + batch->items.len + attached + ROOT;
}

bool chipmunk_is_full(const chipmunk_batch *batch) {
    return batch->items.len && archived(batch, 0) + batch->largest > batch->max;
}

static void discard(chipmunk_batch *batch) {
    batch->text.len = batch->cell_start = batch->open_text;
    batch->cells.len = batch->open_cells;
}

static void item(chipmunk_batch *batch, uint32_t consumed, uint32_t start, uint32_t len, uint32_t codes, size_t attached) {
    uint32_t words[5] = {consumed, start, len, (uint32_t)(batch->cells.len / CELL), codes};
    size_t size = ITEM + batch->cells.len - batch->open_cells + batch->text.len - batch->open_text + attached;
    if (size > batch->largest) batch->largest = size;
    memcpy(chipmunk_reserve(&batch->items, ITEM), words, ITEM);
    batch->items.len += ITEM;
    batch->open_cells = batch->cells.len;
    batch->open_text = batch->cell_start = batch->text.len;
}

void chipmunk_message(chipmunk_batch *batch, uint32_t consumed, uint32_t start, uint32_t len, bool damaged) {
    if (batch->text.len > batch->cell_start) chipmunk_end_cell(batch);
    item(batch, consumed, start, len, MESSAGE | (uint32_t)damaged << 8, 0);
}

void chipmunk_filtered(chipmunk_batch *batch, uint32_t consumed) {
    discard(batch);
    item(batch, consumed, 0, 0, FILTERED, 0);
}

void chipmunk_skipped(chipmunk_batch *batch, uint32_t consumed, uint8_t reason) {
    discard(batch);
    if (consumed) item(batch, consumed, 0, 0, SKIPPED | (uint32_t)reason << 16, 0);
}

/* Appends a text of an attachment and gives its range; where the text of attachments begins is known only at the end. */
static void range(chipmunk_batch *batch, const char *text, uint32_t *words) {
    size_t len = text ? strlen(text) : 0;
    words[0] = (uint32_t)batch->attachment_text.len;
    words[1] = (uint32_t)len;
    chipmunk_append(&batch->attachment_text, text, len);
}

static size_t attach(chipmunk_batch *batch, const chipmunk_attachment *a) {
    chipmunk_append(&batch->data, a->data, a->data_len);
    chipmunk_append(&batch->numbers, a->numbers, a->numbers_len * NUMBER);
    uint32_t words[11] = {(uint32_t)batch->data.len, (uint32_t)(batch->numbers.len / NUMBER), (uint32_t)a->size,
                          (uint32_t)(a->size >> 32), (a->created ? 1u : 0u) | (a->modified ? 2u : 0u)};
    range(batch, a->name, words + 5);
    range(batch, a->created, words + 7);
    range(batch, a->modified, words + 9);
    chipmunk_append(&batch->attachments, words, ATTACHMENT);
    /* Names and dates are short; half a kilobyte stands for them. */
    return ATTACHMENT + a->data_len + a->numbers_len * NUMBER + 512;
}

void chipmunk_attached(chipmunk_batch *batch, uint32_t consumed, const chipmunk_attachment *attachment) {
    size_t size = attach(batch, attachment);
    discard(batch);
    item(batch, consumed, 0, 0, ATTACHED, size);
}

void chipmunk_message_attached(chipmunk_batch *batch, uint32_t consumed, uint32_t start, uint32_t len,
                               const chipmunk_attachment *attachment) {
    size_t size = attach(batch, attachment);
    if (batch->text.len > batch->cell_start) chipmunk_end_cell(batch);
    item(batch, consumed, start, len, MESSAGE_ATTACHED, size);
}

chipmunk_bytes chipmunk_batch_finish(chipmunk_batch *batch, uint8_t state, uint32_t needed, const char *error) {
    discard(batch);
    size_t error_len = state == CHIPMUNK_ERROR && error ? strlen(error) : 0;
    size_t total = archived(batch, error_len);
    if (total >= 0x7fffffff) abort();
    chipmunk_buffer out = batch->text;
    if (out.capacity - out.len < total - out.len) {
        out.ptr = realloc(out.ptr, out.capacity = total);
        if (!out.ptr) abort();
    }
    uint32_t attachment_text = (uint32_t)out.len;
    chipmunk_append(&out, batch->attachment_text.ptr, batch->attachment_text.len);
    uint32_t error_start = (uint32_t)out.len;
    chipmunk_append(&out, error, error_len);
    uint32_t arrays[12] = {0, (uint32_t)out.len};
    pad(&out);
    arrays[2] = (uint32_t)out.len, arrays[3] = (uint32_t)(batch->cells.len / CELL);
    chipmunk_append(&out, batch->cells.ptr, batch->cells.len);
    arrays[4] = (uint32_t)out.len, arrays[5] = (uint32_t)(batch->items.len / ITEM);
    chipmunk_append(&out, batch->items.ptr, batch->items.len);
    arrays[6] = (uint32_t)out.len, arrays[7] = (uint32_t)batch->data.len;
    chipmunk_append(&out, batch->data.ptr, batch->data.len);
    pad(&out);
    arrays[8] = (uint32_t)out.len, arrays[9] = (uint32_t)(batch->attachments.len / ATTACHMENT);
    for (size_t at = 0; at < batch->attachments.len; at += ATTACHMENT) {
        uint32_t words[11];
        memcpy(words, batch->attachments.ptr + at, ATTACHMENT);
        words[5] += attachment_text;
        words[7] = words[4] & 1 ? words[7] + attachment_text : 0;
        words[9] = words[4] & 2 ? words[9] + attachment_text : 0;
        chipmunk_append(&out, words, ATTACHMENT);
    }
    arrays[10] = (uint32_t)out.len, arrays[11] = (uint32_t)(batch->numbers.len / NUMBER);
    chipmunk_append(&out, batch->numbers.ptr, batch->numbers.len);
    entries(&out, arrays, 6);
    uint32_t tail[6] = {state, state == CHIPMUNK_INCOMPLETE ? needed : 0, state == CHIPMUNK_ERROR ? error_start : 0,
                        (uint32_t)error_len, 0x41504d43 /* CMPA */, 1};
    chipmunk_append(&out, tail, sizeof tail);

    batch->hint = out.len + out.len / 16;
    batch->text = (chipmunk_buffer){0};
    chipmunk_reserve(&batch->text, batch->hint < batch->max ? batch->hint : batch->max);
    batch->cells.len = batch->items.len = batch->attachments.len = batch->attachment_text.len = 0;
    batch->data.len = batch->numbers.len = batch->open_text = batch->open_cells = batch->cell_start = 0;
    return (chipmunk_bytes){out.ptr, out.len};
}

void chipmunk_chunk_begin(chipmunk_chunk *chunk, size_t max) {
    *chunk = (chipmunk_chunk){0};
    chipmunk_reserve(&chunk->bytes, padded(max) + SEGMENT + 32);
}

void chipmunk_segment(chipmunk_chunk *chunk, uint32_t skipped, const uint64_t *timestamp) {
    uint64_t time = timestamp ? *timestamp : 0;
    uint32_t words[5] = {(uint32_t)chunk->bytes.len, chunk->skipped + skipped, timestamp != NULL, (uint32_t)time,
                         (uint32_t)(time >> 32)};
    chipmunk_append(&chunk->segments, words, SEGMENT);
    chunk->open = chunk->bytes.len;
    chunk->skipped = 0;
}

chipmunk_bytes chipmunk_chunk_finish(chipmunk_chunk *chunk, uint32_t state, uint32_t retry_ms) {
    if (chunk->bytes.len > chunk->open || chunk->skipped) chipmunk_segment(chunk, 0, NULL);
    chipmunk_buffer *out = &chunk->bytes;
    uint32_t arrays[4] = {0, (uint32_t)out->len};
    pad(out);
    arrays[2] = (uint32_t)out->len, arrays[3] = (uint32_t)(chunk->segments.len / SEGMENT);
    chipmunk_append(out, chunk->segments.ptr, chunk->segments.len);
    entries(out, arrays, 2);
    uint32_t tail[4] = {state, state == CHIPMUNK_RETRY_LATER ? retry_ms : 0, 0x4f534d43 /* CMSO */, 1};
    chipmunk_append(out, tail, sizeof tail);
    free(chunk->segments.ptr);
    chunk->segments = (chipmunk_buffer){0};
    return (chipmunk_bytes){out->ptr, out->len};
}
