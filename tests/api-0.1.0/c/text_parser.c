/* A parser of API 0.1.0 in C: every line of a text is a message, by the rules of host/text, with an optional column split.
 *
 * It does as many parsers do that were written for large buffers: the end of what it is given is the end of a line, and it never
 * says `incomplete`. All lines of a call are in one place, which the next call takes anew. */
#include "chipmunk_utf8.h"
#include "freestanding.h"
#include "parser.h"

static uint8_t separator[64];
static size_t separator_len;

static parser_string_t text(const char *words) { return (parser_string_t){(uint8_t *)words, strlen(words)}; }

void exports_chipmunk_parser_parser_get_version(exports_chipmunk_parser_parser_version_t *ret) {
    *ret = (exports_chipmunk_parser_parser_version_t){0, 1, 7};
}

void exports_chipmunk_parser_parser_get_config_schemas(exports_chipmunk_parser_parser_list_config_schema_item_t *ret) {
    static exports_chipmunk_parser_parser_config_schema_item_t item;
    item.id = text("column-split");
    item.title = text("Column separator");
    item.description.is_some = true;
    item.description.val = text("What stands between columns; lines are not split if it is empty.");
    item.input_type.tag = CHIPMUNK_SHARED_SHARED_TYPES_CONFIG_SCHEMA_TYPE_TEXT;
    item.input_type.val.text = text("");
    ret->ptr = &item, ret->len = 1;
}

void exports_chipmunk_parser_parser_get_render_options(exports_chipmunk_parser_parser_render_options_t *ret) {
    ret->columns_options.is_some = false;
}

bool exports_chipmunk_parser_parser_init(exports_chipmunk_parser_parser_parser_config_t *general,
                                         exports_chipmunk_parser_parser_list_config_item_t *items,
                                         exports_chipmunk_parser_parser_init_error_t *err) {
    (void)general;
    bool given = items->len == 1 && items->ptr[0].value.tag == CHIPMUNK_SHARED_SHARED_TYPES_CONFIG_VALUE_TEXT;
    if (!given || items->ptr[0].value.val.text.len > sizeof separator) {
        err->tag = CHIPMUNK_SHARED_SHARED_TYPES_INIT_ERROR_CONFIG;
        err->val.config = text("`column-split` is a text of at most 64 bytes");
        all_is_free();
        return false;
    }
    separator_len = items->ptr[0].value.val.text.len;
    memcpy(separator, items->ptr[0].value.val.text.ptr, separator_len);
    parser_string_t line = text("text parser in C, API 0.1.0");
    chipmunk_shared_logging_log(CHIPMUNK_SHARED_LOGGING_LEVEL_INFO, &line);
    all_is_free();
    return true;
}

/* Where a line ends, and how long it is with its ending. */
static size_t line_end(const uint8_t *data, size_t len, size_t *consumed) {
    size_t end = 0;
    while (end < len && data[end] != '\n' && data[end] != '\r') end++;
    *consumed = end == len ? len : end + 1 < len && data[end] == '\r' && data[end + 1] == '\n' ? end + 2 : end + 1;
    return end;
}

static bool separates(const uint8_t *at, size_t len) {
    if (len < separator_len) return false;
    for (size_t byte = 0; byte < separator_len; byte++)
        if (at[byte] != separator[byte]) return false;
    return true;
}

static uint8_t *out;

static parser_string_t cell(const uint8_t *from, size_t len) {
    parser_string_t cell = {out, chipmunk_utf8_lossy(out, from, len)};
    out += cell.len;
    return cell;
}

static void columns(const uint8_t *line, size_t len, parser_list_string_t *ret) {
    size_t count = 1;
    for (size_t at = 0; at < len;) {
        bool found = separates(line + at, len - at);
        count += found, at += found ? separator_len : 1;
    }
    ret->ptr = malloc(count * sizeof *ret->ptr);
    ret->len = 0;
    size_t start = 0, at = 0;
    while (at < len) {
        if (!separates(line + at, len - at)) {
            at++;
            continue;
        }
        ret->ptr[ret->len++] = cell(line + start, at - start);
        start = at += separator_len;
    }
    ret->ptr[ret->len++] = cell(line + start, len - start);
}

bool exports_chipmunk_parser_parser_parse(parser_list_u8_t *data, uint64_t *timestamp,
                                          exports_chipmunk_parser_parser_list_parse_return_t *ret,
                                          exports_chipmunk_parser_parser_parse_error_t *err) {
    (void)timestamp, (void)err;
    size_t count = 0, consumed;
    for (size_t at = 0; at < data->len; at += consumed, count++) line_end(data->ptr + at, data->len - at, &consumed);
    ret->ptr = malloc(count * sizeof *ret->ptr);
    ret->len = count;
    out = malloc(3 * data->len);
    const uint8_t *at = data->ptr;
    for (size_t index = 0; index < count; index++) {
        exports_chipmunk_parser_parser_parse_return_t *item = &ret->ptr[index];
        size_t end = line_end(at, (size_t)(data->ptr + data->len - at), &consumed);
        item->consumed = consumed;
        item->value.is_some = true;
        item->value.val.tag = CHIPMUNK_PARSER_PARSE_TYPES_PARSE_YIELD_MESSAGE;
        chipmunk_parser_parse_types_parsed_message_t *message = &item->value.val.val.message;
        if (separator_len) {
            message->tag = CHIPMUNK_PARSER_PARSE_TYPES_PARSED_MESSAGE_COLUMNS;
            columns(at, end, &message->val.columns);
        } else {
            message->tag = CHIPMUNK_PARSER_PARSE_TYPES_PARSED_MESSAGE_LINE;
            message->val.line = cell(at, end);
        }
        at += consumed;
    }
    all_is_free();
    return true;
}
