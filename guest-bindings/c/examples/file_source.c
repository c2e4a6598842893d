/* The Chipmunk plugin `file-source`: the bytes of a file, or of the standard input, as they are. They are read to where they
 * stay in the archive; a chunk is as large as the host asks for, also where the system gives less at a time. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chipmunk.h"

static char *path;
static int file = -1;

static bool init(const chipmunk_config *config, chipmunk_failure *failure) {
    size_t files = chipmunk_paths(config, "input");
    if (files == 0) return chipmunk_fail(failure, CHIPMUNK_BAD_CONFIG, "the option `input` needs a file, and none is given", NULL);
    if (files > 1) return chipmunk_fail(failure, CHIPMUNK_BAD_CONFIG, "the option `input` takes one file", NULL);
    if (file > 0) close(file);
    free(path);
    path = chipmunk_terminated(chipmunk_path(config, "input", 0));
    file = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) < 0)
        return chipmunk_fail(failure, CHIPMUNK_IO, path, " cannot be opened: ", strerror(errno), NULL);
    if (S_ISDIR(status.st_mode))
        return chipmunk_fail(failure, CHIPMUNK_IO, path, " is a directory; name a file in it", NULL);
    chipmunk_log(CHIPMUNK_LOG_INFO, "reading ", path, NULL);
    return true;
}

static bool read_chunk(size_t len, chipmunk_bytes *archive, chipmunk_failure *failure) {
    chipmunk_chunk chunk;
    chipmunk_chunk_begin(&chunk, len);
    while (chunk.bytes.len < len) {
        ssize_t got = read(file, chunk.bytes.ptr + chunk.bytes.len, len - chunk.bytes.len);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            free(chunk.bytes.ptr);
            return chipmunk_fail(failure, CHIPMUNK_IO, path, " cannot be read: ", strerror(errno), NULL);
        }
        if (got == 0) break;
        chunk.bytes.len += (size_t)got;
    }
    /* Only an empty read says that the end is there: what is short now may be longer the next time. */
    *archive = chipmunk_chunk_finish(&chunk, chunk.bytes.len ? CHIPMUNK_MORE : CHIPMUNK_LAST, 0);
    return true;
}

static const chipmunk_item ITEMS[] = {{
    .id = "input",
    .title = "File",
    .description = "The file to read, or - for the standard input.",
    .kind = CHIPMUNK_FILES,
}};

const chipmunk_source chipmunk_source_plugin = {
    .version = {0, 2, 0},
    .items = ITEMS,
    .items_len = 1,
    .init = init,
    .read = read_chunk,
};
