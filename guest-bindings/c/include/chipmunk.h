/* Write Chipmunk plugins in C. A plugin is one constant: `chipmunk_parser_plugin` or `chipmunk_source_plugin`, with what the
 * plugin says of itself and two functions. chipmunk_archive.h is what those functions answer with.
 *
 * The header is plain C, without the names of the generated bindings, so that C++ and Zig build on it as well. */
#ifndef CHIPMUNK_H
#define CHIPMUNK_H

#include "chipmunk_archive.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Text of the host: UTF-8, not terminated. */
typedef struct { const uint8_t *ptr; size_t len; } chipmunk_str;

/* Kinds of configuration items, and levels of the log. */
typedef enum {
    CHIPMUNK_BOOLEAN, CHIPMUNK_INTEGER, CHIPMUNK_FLOAT, CHIPMUNK_TEXT, CHIPMUNK_DIRECTORIES, CHIPMUNK_FILES,
    CHIPMUNK_DROPDOWN
} chipmunk_kind;
typedef enum {
    CHIPMUNK_LOG_ERROR, CHIPMUNK_LOG_WARN, CHIPMUNK_LOG_INFO, CHIPMUNK_LOG_DEBUG, CHIPMUNK_LOG_TRACE
} chipmunk_level;

/* One thing that the user can configure. Only the default of its kind counts. */
typedef struct {
    const char *id, *title, *description; /* description: NULL if there is none */
    chipmunk_kind kind;
    int32_t integer;            /* default of an integer; of a boolean, 0 or 1 */
    float number;               /* default of a float */
    const char *text;           /* default of a text or a dropdown; NULL is the empty text */
    const char *const *options; /* NULL at the end: those of a dropdown, or extensions of files; NULL is none */
} chipmunk_item;

typedef struct { const char *caption, *description; int16_t width; } chipmunk_column;

/* The user's values. Of an item that is missing or of another kind, the value is 0, false or nothing. */
typedef struct chipmunk_config chipmunk_config;
bool chipmunk_boolean(const chipmunk_config *config, const char *id);
int32_t chipmunk_integer(const chipmunk_config *config, const char *id);
float chipmunk_float(const chipmunk_config *config, const char *id);
/* The value of a text, or the option of a dropdown. Valid during init: copy what is kept. */
chipmunk_str chipmunk_string(const chipmunk_config *config, const char *id);
/* How many files or directories there are, and each; also only during init. */
size_t chipmunk_paths(const chipmunk_config *config, const char *id);
chipmunk_str chipmunk_path(const chipmunk_config *config, const char *id, size_t index);
/* A copy with a nul at the end, made by malloc. */
char *chipmunk_terminated(chipmunk_str text);

/* Writes a line to the host's log, if its level is wanted: all the parts, up to a NULL. */
void chipmunk_log(chipmunk_level level, ...);

/* Why init or read failed; the text is shown to the user. Filled by chipmunk_fail, which returns false, with all the
 * parts up to a NULL. For read, CHIPMUNK_BAD_CONFIG is not possible and counts as CHIPMUNK_OTHER. */
typedef struct { uint8_t kind; chipmunk_bytes text; } chipmunk_failure;
enum { CHIPMUNK_BAD_CONFIG, CHIPMUNK_IO, CHIPMUNK_NOT_SUPPORTED, CHIPMUNK_OTHER };
bool chipmunk_fail(chipmunk_failure *failure, int kind, ...);

/* What the host wants of each message. */
typedef enum { CHIPMUNK_RANGES, CHIPMUNK_LINE, CHIPMUNK_COLUMNS } chipmunk_output;

enum {
    CHIPMUNK_CAN_RESYNCHRONISE = 1, CHIPMUNK_CAN_RANGES = 2, CHIPMUNK_CAN_LINE = 4, CHIPMUNK_CAN_COLUMNS = 8,
    CHIPMUNK_CAN_ATTACHMENTS = 16
};
enum { CHIPMUNK_HAS_TIMESTAMPS = 1, CHIPMUNK_IS_LIVE = 2 };

typedef struct {
    const uint8_t *data; /* begins where the last batch stopped consuming */
    size_t len;
    const uint64_t *timestamp; /* nanoseconds since 1970, or NULL */
    bool at_end;               /* nothing will follow */
} chipmunk_input;

typedef struct {
    uint16_t version[3];
    const chipmunk_item *items;
    size_t items_len;
    uint8_t capabilities;
    const chipmunk_column *columns; /* with CHIPMUNK_CAN_COLUMNS */
    size_t columns_len;
    uint16_t min_width, max_width;
    /* Makes the parser ready; may be called again. The host asks only for an output that is among the capabilities. */
    bool (*init)(const chipmunk_config *config, chipmunk_output output, uint32_t max_archive_bytes,
                 chipmunk_failure *failure);
    /* Finds what is in the input, and gives the archive. Only called after init said yes. */
    chipmunk_bytes (*parse)(chipmunk_input input);
} chipmunk_parser;

typedef struct {
    uint16_t version[3];
    const chipmunk_item *items;
    size_t items_len;
    uint8_t capabilities;
    bool (*init)(const chipmunk_config *config, chipmunk_failure *failure);
    /* Reads at most `len` bytes, and gives the archive. */
    bool (*read)(size_t len, chipmunk_bytes *archive, chipmunk_failure *failure);
} chipmunk_source;

/* The plugin: define one of these. */
extern const chipmunk_parser chipmunk_parser_plugin;
extern const chipmunk_source chipmunk_source_plugin;

#ifdef __cplusplus
}
#endif
#endif
