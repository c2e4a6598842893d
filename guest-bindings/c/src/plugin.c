/* From the generated bindings of either world to chipmunk.h. The two have types of the same names, so each is compiled by
 * itself: with -DCHIPMUNK_WORLD_PARSER or -DCHIPMUNK_WORLD_SOURCE. What goes to the host is a copy made by
 * malloc, which the bindings free; what comes from it is freed here. */
#include "chipmunk.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#ifdef CHIPMUNK_WORLD_PARSER
#include "parser.h"
#define WORLD(name) parser_##name
#define EXPORTED(name) exports_chipmunk_parser_parser_##name
#define PLUGIN chipmunk_parser_plugin
#else
#include "byte_source.h"
#define WORLD(name) byte_source_##name
#define EXPORTED(name) exports_chipmunk_bytesource_byte_source_##name
#define PLUGIN chipmunk_source_plugin
#endif

typedef WORLD(string_t) string;
typedef WORLD(list_string_t) strings;
typedef chipmunk_shared_shared_types_config_value_t value;

struct chipmunk_config { EXPORTED(list_config_item_t) *items; };

static chipmunk_level wanted = CHIPMUNK_LOG_INFO;
static bool ready;

/* NULL for nothing: the bindings free no list that is empty. */
static void *allocate(size_t len) {
    if (!len) return NULL;
    void *place = malloc(len);
    if (!place) abort();
    return place;
}

static string copy(const char *text) {
    string to;
    WORLD(string_dup)(&to, text ? text : "");
    return to;
}

/* All the texts up to a NULL, one behind the other. */
static chipmunk_bytes joined(va_list parts) {
    chipmunk_buffer out = {0};
    for (const char *part; (part = va_arg(parts, const char *));) chipmunk_append(&out, part, strlen(part));
    return (chipmunk_bytes){out.ptr, out.len};
}

void chipmunk_log(chipmunk_level level, ...) {
    if (level > wanted) return;
    va_list parts;
    va_start(parts, level);
    chipmunk_bytes line = joined(parts);
    va_end(parts);
    string text = {line.ptr, line.len};
    chipmunk_shared_logging_log((uint8_t)level, &text);
    free(line.ptr);
}

bool chipmunk_fail(chipmunk_failure *failure, int kind, ...) {
    va_list parts;
    va_start(parts, kind);
    failure->kind = (uint8_t)kind;
    failure->text = joined(parts);
    va_end(parts);
    return false;
}

static const value *find(const chipmunk_config *config, const char *id, uint8_t tag) {
    size_t len = strlen(id);
    for (size_t i = 0; i < config->items->len; i++) {
        const chipmunk_shared_shared_types_config_item_t *item = config->items->ptr + i;
        if (item->id.len == len && memcmp(item->id.ptr, id, len) == 0)
            return item->value.tag == tag ? &item->value : NULL;
    }
    return NULL;
}

static const strings *paths(const chipmunk_config *config, const char *id) {
    const value *found = find(config, id, CHIPMUNK_FILES);
    if (found) return &found->val.files;
    found = find(config, id, CHIPMUNK_DIRECTORIES);
    return found ? &found->val.directories : NULL;
}

bool chipmunk_boolean(const chipmunk_config *config, const char *id) {
    const value *found = find(config, id, CHIPMUNK_BOOLEAN);
    return found && found->val.boolean;
}

int32_t chipmunk_integer(const chipmunk_config *config, const char *id) {
    const value *found = find(config, id, CHIPMUNK_INTEGER);
    return found ? found->val.integer : 0;
}

float chipmunk_float(const chipmunk_config *config, const char *id) {
    const value *found = find(config, id, CHIPMUNK_FLOAT);
    return found ? found->val.float_ : 0;
}

chipmunk_str chipmunk_string(const chipmunk_config *config, const char *id) {
    const value *found = find(config, id, CHIPMUNK_TEXT);
    if (!found) found = find(config, id, CHIPMUNK_DROPDOWN);
    return found ? (chipmunk_str){found->val.text.ptr, found->val.text.len} : (chipmunk_str){0};
}

size_t chipmunk_paths(const chipmunk_config *config, const char *id) {
    const strings *list = paths(config, id);
    return list ? list->len : 0;
}

chipmunk_str chipmunk_path(const chipmunk_config *config, const char *id, size_t index) {
    const strings *list = paths(config, id);
    if (!list || index >= list->len) return (chipmunk_str){0};
    return (chipmunk_str){list->ptr[index].ptr, list->ptr[index].len};
}

char *chipmunk_terminated(chipmunk_str text) {
    char *to = allocate(text.len + 1);
    if (text.len) memcpy(to, text.ptr, text.len);
    to[text.len] = 0;
    return to;
}

static strings copies(const char *const *texts) {
    strings list = {0};
    while (texts && texts[list.len]) list.len++;
    list.ptr = allocate(list.len * sizeof *list.ptr);
    for (size_t i = 0; i < list.len; i++) list.ptr[i] = copy(texts[i]);
    return list;
}

void EXPORTED(get_version)(EXPORTED(version_t) *ret) {
    *ret = (EXPORTED(version_t)){PLUGIN.version[0], PLUGIN.version[1], PLUGIN.version[2]};
}

void EXPORTED(get_config_schemas)(EXPORTED(list_config_schema_item_t) *ret) {
    ret->len = PLUGIN.items_len;
    ret->ptr = allocate(ret->len * sizeof *ret->ptr);
    for (size_t i = 0; i < ret->len; i++) {
        const chipmunk_item *from = &PLUGIN.items[i];
        EXPORTED(config_schema_item_t) *to = &ret->ptr[i];
        *to = (EXPORTED(config_schema_item_t)){.id = copy(from->id), .title = copy(from->title)};
        to->description.is_some = from->description != NULL;
        if (from->description) to->description.val = copy(from->description);
        to->input_type.tag = (uint8_t)from->kind;
        switch (from->kind) {
        case CHIPMUNK_BOOLEAN: to->input_type.val.boolean = from->integer != 0; break;
        case CHIPMUNK_INTEGER: to->input_type.val.integer = from->integer; break;
        case CHIPMUNK_FLOAT: to->input_type.val.float_ = from->number; break;
        case CHIPMUNK_TEXT: to->input_type.val.text = copy(from->text); break;
        case CHIPMUNK_DIRECTORIES: break;
        case CHIPMUNK_FILES: to->input_type.val.files = copies(from->options); break;
        case CHIPMUNK_DROPDOWN:
            to->input_type.val.dropdown.f0 = copies(from->options);
            to->input_type.val.dropdown.f1 = copy(from->text);
            break;
        }
    }
}

EXPORTED(capabilities_t) EXPORTED(get_capabilities)(void) { return PLUGIN.capabilities; }

/* Of the failure of an init; what the host gave is freed. */
static bool done(bool well, EXPORTED(list_config_item_t) *items, chipmunk_failure *failure, EXPORTED(init_error_t) *err) {
    EXPORTED(list_config_item_free)(items);
    ready = well;
    if (well) return true;
    err->tag = failure->kind;
    err->val.other = (string){failure->text.ptr, failure->text.len};
    return false;
}

#ifdef CHIPMUNK_WORLD_PARSER
void EXPORTED(get_render_options)(EXPORTED(render_options_t) *ret) {
    *ret = (EXPORTED(render_options_t)){0};
    if (!(PLUGIN.capabilities & CHIPMUNK_CAN_COLUMNS)) return;
    ret->columns_options.is_some = true;
    chipmunk_parser_parse_types_columns_render_options_t *options = &ret->columns_options.val;
    options->min_width = PLUGIN.min_width, options->max_width = PLUGIN.max_width;
    options->columns.len = PLUGIN.columns_len;
    options->columns.ptr = allocate(PLUGIN.columns_len * sizeof *options->columns.ptr);
    for (size_t i = 0; i < PLUGIN.columns_len; i++) {
        const chipmunk_column *from = &PLUGIN.columns[i];
        options->columns.ptr[i] = (chipmunk_parser_parse_types_column_info_t){copy(from->caption), copy(from->description),
                                                                             from->width};
    }
}

bool EXPORTED(init)(EXPORTED(parser_config_t) *general, EXPORTED(list_config_item_t) *items, EXPORTED(init_error_t) *err) {
    static const char *const NAMES[] = {"ranges", "lines", "columns"};
    chipmunk_failure failure = {CHIPMUNK_OTHER, {0}};
    chipmunk_config config = {items};
    wanted = general->log_level;
    bool offered = PLUGIN.capabilities & CHIPMUNK_CAN_RANGES << general->output;
    bool well = offered ? PLUGIN.init(&config, general->output, general->max_archive_bytes, &failure)
                        : chipmunk_fail(&failure, CHIPMUNK_NOT_SUPPORTED, "this parser does not give ",
                                        NAMES[general->output], NULL);
    return done(well, items, &failure, err);
}

void EXPORTED(parse)(WORLD(list_u8_t) *data, uint64_t *timestamp, bool at_end, WORLD(list_u8_t) *ret) {
    chipmunk_bytes archive;
    if (ready) {
        archive = PLUGIN.parse((chipmunk_input){data->ptr, data->len, timestamp, at_end});
    } else {
        chipmunk_batch batch;
        chipmunk_batch_begin(&batch, UINT32_MAX);
        archive = chipmunk_batch_finish(&batch, CHIPMUNK_ERROR, 0, "`parse` was called before `init`");
    }
    WORLD(list_u8_free)(data);
    *ret = (WORLD(list_u8_t)){archive.ptr, archive.len};
}
#else
bool EXPORTED(init)(EXPORTED(source_config_t) *general, EXPORTED(list_config_item_t) *items, EXPORTED(init_error_t) *err) {
    chipmunk_failure failure = {CHIPMUNK_OTHER, {0}};
    chipmunk_config config = {items};
    wanted = general->log_level;
    return done(PLUGIN.init(&config, &failure), items, &failure, err);
}

bool EXPORTED(read)(uint64_t len, WORLD(list_u8_t) *ret, EXPORTED(source_error_t) *err) {
    chipmunk_failure failure = {CHIPMUNK_OTHER, {0}};
    chipmunk_bytes archive;
    /* Memory is set aside for so many bytes, and a host may ask for any number: a source may always give fewer. */
    enum { MOST = 16 << 20 };
    size_t max = len < MOST ? (size_t)len : MOST;
    bool well = ready ? PLUGIN.read(max, &archive, &failure)
                      : chipmunk_fail(&failure, CHIPMUNK_OTHER, "`read` was called before `init`", NULL);
    if (well) {
        *ret = (WORLD(list_u8_t)){archive.ptr, archive.len};
        return true;
    }
    static const uint8_t KINDS[] = {2, 0, 1, 2}; /* io, unsupported, other */
    err->tag = KINDS[failure.kind];
    err->val.other = (string){failure.text.ptr, failure.text.len};
    return false;
}
#endif
