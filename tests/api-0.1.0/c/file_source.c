/* A byte source of API 0.1.0 in C, with the C library: the bytes of a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "byte_source.h"

static int file = -1;

void exports_chipmunk_bytesource_byte_source_get_version(exports_chipmunk_bytesource_byte_source_version_t *ret) {
    *ret = (exports_chipmunk_bytesource_byte_source_version_t){0, 1, 7};
}

void exports_chipmunk_bytesource_byte_source_get_config_schemas(
    exports_chipmunk_bytesource_byte_source_list_config_schema_item_t *ret) {
    ret->len = 1;
    ret->ptr = calloc(1, sizeof *ret->ptr);
    byte_source_string_dup(&ret->ptr->id, "input-path");
    byte_source_string_dup(&ret->ptr->title, "File");
    ret->ptr->input_type.tag = CHIPMUNK_SHARED_SHARED_TYPES_CONFIG_SCHEMA_TYPE_FILES;
}

bool exports_chipmunk_bytesource_byte_source_init(exports_chipmunk_bytesource_byte_source_source_config_t *general,
                                                  exports_chipmunk_bytesource_byte_source_list_config_item_t *items,
                                                  exports_chipmunk_bytesource_byte_source_init_error_t *err) {
    (void)general;
    byte_source_list_string_t *paths = items->len == 1 ? &items->ptr[0].value.val.files : NULL;
    bool given = paths && items->ptr[0].value.tag == CHIPMUNK_SHARED_SHARED_TYPES_CONFIG_VALUE_FILES && paths->len == 1;
    if (!given) {
        err->tag = CHIPMUNK_SHARED_SHARED_TYPES_INIT_ERROR_CONFIG;
        byte_source_string_dup(&err->val.config, "`input-path` is one file");
    } else {
        char *path = calloc(paths->ptr[0].len + 1, 1);
        memcpy(path, paths->ptr[0].ptr, paths->ptr[0].len);
        file = strcmp(path, "-") ? open(path, O_RDONLY) : 0;
        free(path);
        struct stat status;
        if (file >= 0 && fstat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
            close(file);
            file = -1;
            errno = EISDIR;
        }
        if (file < 0) {
            err->tag = CHIPMUNK_SHARED_SHARED_TYPES_INIT_ERROR_IO;
            byte_source_string_dup(&err->val.io, strerror(errno));
        }
    }
    exports_chipmunk_bytesource_byte_source_list_config_item_free(items);
    return file >= 0;
}

bool exports_chipmunk_bytesource_byte_source_read(uint64_t len, byte_source_list_u8_t *ret,
                                                  exports_chipmunk_bytesource_byte_source_source_error_t *err) {
    size_t most = len < 1 << 20 ? (size_t)len : 1 << 20;
    ret->ptr = malloc(most ? most : 1);
    ssize_t count = read(file, ret->ptr, most);
    if (count < 0) {
        free(ret->ptr);
        err->tag = CHIPMUNK_BYTESOURCE_BYTESOURCE_TYPES_SOURCE_ERROR_IO;
        byte_source_string_dup(&err->val.io, strerror(errno));
        return false;
    }
    ret->len = (size_t)count;
    return true;
}
