/* The archives that `parse` and `read` return, as wit/PAYLOAD.md lays them out.
 *
 * A writer is a few growing buffers. What goes first into an archive, text or bytes, is written to where it stays; the
 * rest is appended when the archive is finished. WebAssembly is little endian, as archives are: numbers are copied as they are.
 * Where there is no memory left, the plugin traps, which the host reports. */
#ifndef CHIPMUNK_ARCHIVE_H
#define CHIPMUNK_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes made by malloc, for the host: it has them freed. */
typedef struct { uint8_t *ptr; size_t len; } chipmunk_bytes;

typedef struct { uint8_t *ptr; size_t len, capacity; } chipmunk_buffer;

/* Makes room for so many bytes more, and says where they go. */
uint8_t *chipmunk_reserve(chipmunk_buffer *buffer, size_t more);
/* Appends bytes. */
void chipmunk_append(chipmunk_buffer *buffer, const void *bytes, size_t len);

/* Why bytes were skipped. */
enum { CHIPMUNK_UNSPECIFIED, CHIPMUNK_GARBAGE, CHIPMUNK_TRUNCATED, CHIPMUNK_MALFORMED, CHIPMUNK_UNSUPPORTED };

/* How a batch ends. */
enum { CHIPMUNK_COMPLETE, CHIPMUNK_INCOMPLETE, CHIPMUNK_FULL, CHIPMUNK_END, CHIPMUNK_ERROR };

/* How a chunk ends. */
enum { CHIPMUNK_MORE, CHIPMUNK_LAST, CHIPMUNK_RETRY_LATER };

/* A file that a trace carries. Dates are NULL if there are none. */
typedef struct {
    const char *name, *created, *modified;
    uint64_t size;           /* as announced in the trace */
    const uint64_t *numbers; /* of the messages that carried it, counted from 0 since init */
    size_t numbers_len;
    const uint8_t *data;
    size_t data_len;
} chipmunk_attachment;

/* What a parser found in one call. Begin once, with the host's limit; finish once for each call. */
typedef struct {
    chipmunk_buffer text, cells, items, attachments, attachment_text, data, numbers;
    size_t open_text, open_cells, cell_start, max, largest, hint;
} chipmunk_batch;

void chipmunk_batch_begin(chipmunk_batch *batch, uint32_t max_archive_bytes);
/* Text of the open cell: UTF-8 as it is, or bytes of which what is not UTF-8 becomes U+FFFD. */
void chipmunk_text(chipmunk_batch *batch, const void *utf8, size_t len);
void chipmunk_text_lossy(chipmunk_batch *batch, const uint8_t *bytes, size_t len);
/* What was written since the last cell is a cell, also if it is nothing. */
void chipmunk_end_cell(chipmunk_batch *batch);
/* The next item; `start` and `len` are where in it the message's own bytes are. Skipping nothing adds nothing. */
void chipmunk_message(chipmunk_batch *batch, uint32_t consumed, uint32_t start, uint32_t len, bool damaged);
void chipmunk_filtered(chipmunk_batch *batch, uint32_t consumed);
void chipmunk_skipped(chipmunk_batch *batch, uint32_t consumed, uint8_t reason);
void chipmunk_attached(chipmunk_batch *batch, uint32_t consumed, const chipmunk_attachment *attachment);
void chipmunk_message_attached(chipmunk_batch *batch, uint32_t consumed, uint32_t start, uint32_t len,
                               const chipmunk_attachment *attachment);
/* Whether it is time to finish with CHIPMUNK_FULL: another item may not fit. */
bool chipmunk_is_full(const chipmunk_batch *batch);
/* The archive; the batch is empty then. `needed` counts for CHIPMUNK_INCOMPLETE, `error` for CHIPMUNK_ERROR. */
chipmunk_bytes chipmunk_batch_finish(chipmunk_batch *batch, uint8_t state, uint32_t needed, const char *error);

/* What a source read in one call. */
typedef struct {
    chipmunk_buffer bytes, segments;
    size_t open;
    uint32_t skipped;
} chipmunk_chunk;

/* Begins a chunk of at most `max` bytes: read to chunk.bytes.ptr + chunk.bytes.len, and add to chunk.bytes.len. */
void chipmunk_chunk_begin(chipmunk_chunk *chunk, size_t max);
/* The bytes since the last segment are one; `timestamp` in nanoseconds since 1970, or NULL. */
void chipmunk_segment(chipmunk_chunk *chunk, uint32_t skipped, const uint64_t *timestamp);
/* The archive. Bytes in no segment become one. */
chipmunk_bytes chipmunk_chunk_finish(chipmunk_chunk *chunk, uint32_t state, uint32_t retry_ms);

#ifdef __cplusplus
}
#endif
#endif
