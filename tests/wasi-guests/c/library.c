// What a C library makes of WASI: buffers, modes of opening, positions in directories, times, errno, the end of a program. A command
// for the tests of host/wasi (`tests/c-guests.rs`), which looks at what it leaves behind. The first argument names a case; the
// directory granted is /work.
//
// Written so that wasi-libc of any year does: what it lacks or has wrong is said where it is left out.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition) \
    ((condition) ? (void)0 : fail(__LINE__, #condition))
// It fails, with this error.
#define FAILS(call, error) \
    (errno = 0, CHECK((call) == -1), CHECK(errno == (error)))
#define FAILS_NULL(call, error) \
    (errno = 0, CHECK((call) == NULL), CHECK(errno == (error)))

static void fail(int line, const char *what) {
    fprintf(stderr, "line %d: %s (errno is %d, %s)\n", line, what, errno, strerror(errno));
    exit(1);
}

// Allocators of before 2023 take all memory up to its end for their own when they are first asked. The adapter that stands between
// this library and WASI 0.2 has its state in pages that it adds at the end: the allocator must have come before it, and so before
// everything that calls the system, the library's own constructors among it.
__attribute__((constructor(1))) static void allocator_first(void) {
    // Compilers leave out an allocation that nobody looks at.
    void *volatile block = malloc(1);
    free(block);
}

static off_t size_of(const char *path) {
    struct stat status;
    CHECK(stat(path, &status) == 0);
    return status.st_size;
}

static void holds(const char *path, const char *expected) {
    char text[1000];
    FILE *file = fopen(path, "r");
    CHECK(file);
    size_t length = fread(text, 1, sizeof text, file);
    CHECK(length == strlen(expected) && memcmp(text, expected, length) == 0);
    CHECK(feof(file) && !ferror(file));
    CHECK(fclose(file) == 0);
}

static void make(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    CHECK(file);
    CHECK(fputs(text, file) >= 0);
    CHECK(fclose(file) == 0);
}

// What is in a buffer is not in the file, until it is full or flushed.
static void buffers(void) {
    char buffer[64];
    FILE *file = fopen("/work/buffered", "w");
    CHECK(file);
    CHECK(setvbuf(file, buffer, _IOFBF, sizeof buffer) == 0);
    CHECK(fputs("twelve chars", file) >= 0);
    CHECK(size_of("/work/buffered") == 0);
    CHECK(fflush(file) == 0);
    CHECK(size_of("/work/buffered") == 12);
    for (int i = 0; i < 1000; i++) CHECK(fputc('x', file) == 'x');
    CHECK(size_of("/work/buffered") > 900);
    CHECK(ftell(file) == 1012);
    CHECK(fclose(file) == 0);
    CHECK(size_of("/work/buffered") == 1012);

    file = fopen("/work/unbuffered", "w");
    CHECK(file);
    CHECK(setvbuf(file, NULL, _IONBF, 0) == 0);
    CHECK(fputs("at once", file) >= 0);
    CHECK(size_of("/work/unbuffered") == 7);
    CHECK(fclose(file) == 0);

    // More than any buffer has, and more than one call of the system takes.
    static char block[300000];
    memset(block, 'b', sizeof block);
    file = fopen("/work/large", "w+");
    CHECK(file);
    for (int i = 0; i < 10; i++) CHECK(fwrite(block, 1, sizeof block, file) == sizeof block);
    CHECK(fseek(file, -3, SEEK_END) == 0);
    CHECK(fwrite("end", 1, 3, file) == 3);
    rewind(file);
    size_t total = 0, length;
    while ((length = fread(block, 1, sizeof block, file)) > 0) total += length;
    CHECK(total == 3000000);
    CHECK(fclose(file) == 0);
    CHECK(unlink("/work/large") == 0);
}

// What is allocated stays what it is while the system is called, and the system's side stays whole.
static void memory(void) {
    enum { BLOCKS = 200, SIZE = 50000 };
    static unsigned char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        CHECK((blocks[i] = malloc(SIZE)));
        memset(blocks[i], i, SIZE);
        char path[64];
        snprintf(path, sizeof path, "/work/block");
        FILE *file = fopen(path, "w+");
        CHECK(file && fwrite(blocks[i], 1, SIZE, file) == SIZE);
        rewind(file);
        memset(blocks[i], 255, SIZE);
        CHECK(fread(blocks[i], 1, SIZE, file) == SIZE && fclose(file) == 0);
    }
    for (int i = 0; i < BLOCKS; i++) {
        for (int j = 0; j < SIZE; j++) CHECK(blocks[i][j] == i);
        free(blocks[i]);
    }
    CHECK(unlink("/work/block") == 0);
}

static void modes(void) {
    FILE *file;
    FAILS_NULL(fopen("/work/f", "r"), ENOENT);
    FAILS_NULL(fopen("/work/f", "r+"), ENOENT);
    FAILS_NULL(fopen("/work/none/f", "w"), ENOENT);
    make("/work/f", "0123456789");
    FAILS_NULL(fopen("/work/f", "wx"), EEXIST);
    FAILS_NULL(fopen("/work/f/g", "r"), ENOTDIR);
    FAILS_NULL(fopen("/work", "w"), EISDIR);

    // To be read and written where it is.
    CHECK((file = fopen("/work/f", "r+")));
    CHECK(fseek(file, 4, SEEK_SET) == 0 && fputs("AB", file) >= 0);
    CHECK(fseek(file, 0, SEEK_CUR) == 0 && fgetc(file) == '6');
    CHECK(ungetc('!', file) == '!' && fgetc(file) == '!');
    CHECK(fclose(file) == 0);
    holds("/work/f", "0123AB6789");

    // At the end, wherever it was looked at, and whoever else has written meanwhile.
    CHECK((file = fopen("/work/f", "a+")));
    CHECK(fgetc(file) == '0');
    CHECK(fseek(file, 0, SEEK_SET) == 0 && fputs("+", file) >= 0 && fflush(file) == 0);
    FILE *other = fopen("/work/f", "a");
    CHECK(other && fputs("other", other) >= 0 && fclose(other) == 0);
    CHECK(fputs("-", file) >= 0 && fflush(file) == 0);
    CHECK(fseek(file, 0, SEEK_SET) == 0 && fgetc(file) == '0');
    CHECK(fclose(file) == 0);
    holds("/work/f", "0123AB6789+other-");

    // From the beginning.
    CHECK((file = fopen("/work/f", "w+")));
    CHECK(size_of("/work/f") == 0);
    CHECK(fputs("new", file) >= 0);
    rewind(file);
    CHECK(fgetc(file) == 'n');
    CHECK(fclose(file) == 0);

    // Only to be read, or written.
    CHECK((file = fopen("/work/f", "r")));
    CHECK(fputc('x', file) == EOF && ferror(file));
    CHECK(fclose(file) == 0);
    CHECK((file = fopen("/work/f", "a")));
    CHECK(fgetc(file) == EOF && ferror(file));
    CHECK(fclose(file) == 0);
    holds("/work/f", "new");
}

static void descriptors(void) {
    char text[16] = "";
    int file = open("/work/d", O_RDWR | O_CREAT | O_EXCL, 0666);
    CHECK(file > 2);
    FAILS(open("/work/d", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
    FAILS(open("/work/d", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK(write(file, "0123456789", 10) == 10);
    CHECK(pwrite(file, "AB", 2, 3) == 2);
    CHECK(lseek(file, 0, SEEK_CUR) == 10);
    CHECK(pread(file, text, 4, 2) == 4 && strcmp(text, "2AB5") == 0);
    CHECK(lseek(file, -2, SEEK_END) == 8 && read(file, text, 16) == 2 && read(file, text, 16) == 0);
    FAILS(lseek(file, -20, SEEK_CUR), EINVAL);
    CHECK(ftruncate(file, 3) == 0 && size_of("/work/d") == 3);
    CHECK(lseek(file, 6, SEEK_SET) == 6 && write(file, "!", 1) == 1);
    CHECK(pread(file, text, 16, 0) == 7 && memcmp(text, "012\0\0\0!", 7) == 0);
    FAILS(ftruncate(file, -1), EINVAL);
    CHECK(fsync(file) == 0 && fdatasync(file) == 0);
    // A file without a name is one still.
    CHECK(unlink("/work/d") == 0);
    CHECK(pread(file, text, 2, 1) == 2 && memcmp(text, "12", 2) == 0);
    CHECK(close(file) == 0);
    FAILS(close(file), EBADF);
    FAILS(write(file, "x", 1), EBADF);

    file = open("/work/e", O_WRONLY | O_CREAT | O_APPEND, 0666);
    CHECK(file > 2 && write(file, "one", 3) == 3);
    CHECK(lseek(file, 0, SEEK_SET) == 0 && write(file, "two", 3) == 3);
    CHECK(fcntl(file, F_GETFL) & O_APPEND);
    CHECK(fcntl(file, F_SETFL, 0) == 0);
    CHECK(lseek(file, 0, SEEK_SET) == 0 && write(file, "T", 1) == 1);
    FAILS(read(file, text, 1), EBADF);
    CHECK(close(file) == 0);
    holds("/work/e", "Tnetwo");
    CHECK(isatty(0) == 0);
    file = open("/work/e", O_RDONLY);
    FAILS(write(file, "x", 1), EBADF);
    errno = 0;
    CHECK(isatty(file) == 0 && errno == ENOTTY);
    CHECK(close(file) == 0);
}

static void directories(void) {
    enum { COUNT = 300 };
    char path[64];
    CHECK(mkdir("/work/many", 0777) == 0);
    FAILS(mkdir("/work/many", 0777), EEXIST);
    FAILS(mkdir("/work/none/below", 0777), ENOENT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(path, sizeof path, "/work/many/%d", i);
        make(path, "");
    }
    DIR *directory = opendir("/work/many");
    CHECK(directory);
    int seen[COUNT] = {0}, all = 0, dots = 0;
    long half = 0;
    char after_half[64] = "";
    struct dirent *entry;
    while (errno = 0, (entry = readdir(directory))) {
        all++;
        if (all == COUNT / 2 + 1) snprintf(after_half, sizeof after_half, "%s", entry->d_name);
        if (all == COUNT / 2) half = telldir(directory);
        if (entry->d_name[0] == '.') {
            dots++;
            CHECK(entry->d_type == DT_DIR);
            continue;
        }
        CHECK(entry->d_type == DT_REG);
        seen[atoi(entry->d_name)]++;
        struct stat status;
        snprintf(path, sizeof path, "/work/many/%s", entry->d_name);
        CHECK(stat(path, &status) == 0 && status.st_ino == entry->d_ino);
    }
    CHECK(errno == 0 && dots == 2 && all == COUNT + 2);
    for (int i = 0; i < COUNT; i++) CHECK(seen[i] == 1);
    // Back to a place, and to the beginning.
    seekdir(directory, half);
    CHECK((entry = readdir(directory)) && strcmp(entry->d_name, after_half) == 0);
    rewinddir(directory);
    int again = 0;
    while (readdir(directory)) again++;
    CHECK(again == all);
    CHECK(closedir(directory) == 0);

    FAILS(rmdir("/work/many"), ENOTEMPTY);
    FAILS(unlink("/work/many"), EISDIR);
    FAILS(rmdir("/work/many/0"), ENOTDIR);
    FAILS(rmdir("/work/none"), ENOENT);
    FAILS_NULL(opendir("/work/none"), ENOENT);
    FAILS_NULL(opendir("/work/many/0"), ENOTDIR);
    for (int i = 1; i < COUNT; i++) {
        snprintf(path, sizeof path, "/work/many/%d", i);
        CHECK(unlink(path) == 0);
    }
    FAILS(unlink(path), ENOENT);
}

static void names(void) {
    char text[64];
    struct stat one, two;
    make("/work/a", "a");
    make("/work/b", "b");
    CHECK(mkdir("/work/empty", 0777) == 0 && mkdir("/work/full", 0777) == 0);
    make("/work/full/f", "f");
    FAILS(rename("/work/none", "/work/x"), ENOENT);
    FAILS(rename("/work/a", "/work/empty"), EISDIR);
    FAILS(rename("/work/empty", "/work/a"), ENOTDIR);
    FAILS(rename("/work/empty", "/work/full"), ENOTEMPTY);
    FAILS(rename("/work/full", "/work/full/below"), EINVAL);
    CHECK(rename("/work/full", "/work/empty") == 0);
    CHECK(rename("/work/a", "/work/b") == 0);
    holds("/work/b", "a");
    FAILS(access("/work/a", F_OK), ENOENT);
    CHECK(access("/work/b", R_OK | W_OK) == 0);

    CHECK(link("/work/b", "/work/hard") == 0);
    FAILS(link("/work/b", "/work/hard"), EEXIST);
    CHECK(stat("/work/b", &one) == 0 && stat("/work/hard", &two) == 0);
    CHECK(one.st_nlink == 2 && one.st_ino == two.st_ino && one.st_dev == two.st_dev);
    CHECK(symlink("empty/f", "/work/soft") == 0);
    CHECK(lstat("/work/soft", &one) == 0 && S_ISLNK(one.st_mode));
    CHECK(stat("/work/soft", &one) == 0 && S_ISREG(one.st_mode));
    CHECK(readlink("/work/soft", text, sizeof text) == 7 && memcmp(text, "empty/f", 7) == 0);
    CHECK(readlink("/work/soft", text, 3) == 3);
    FAILS(readlink("/work/b", text, sizeof text), EINVAL);
    holds("/work/soft", "f");
    CHECK(symlink("loop", "/work/loop") == 0);
    FAILS(open("/work/loop", O_RDONLY), ELOOP);
    FAILS(open("/work/soft", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK(unlink("/work/loop") == 0);
    // Names beyond ASCII, and of the greatest length.
    make("/work/Gr\xc3\xb6\xc3\x9f" "e", "u");
    char longest[300] = "/work/";
    memset(longest + 6, 'n', 256);
    FAILS(open(longest, O_RDWR | O_CREAT, 0666), ENAMETOOLONG);
    longest[6 + 255] = 0;
    make(longest, "l");
    CHECK(unlink(longest) == 0);
}

static void times(void) {
    struct stat status;
    make("/work/t", "t");
    time_t now = time(NULL);
    CHECK(stat("/work/t", &status) == 0 && llabs((long long)status.st_mtime - now) < 60);
    struct timespec set[2] = {{.tv_sec = 1000, .tv_nsec = 0}, {.tv_sec = 2000, .tv_nsec = 500000000}};
    CHECK(utimensat(AT_FDCWD, "/work/t", set, 0) == 0);
    CHECK(stat("/work/t", &status) == 0);
    CHECK(status.st_atim.tv_sec == 1000 && status.st_mtim.tv_sec == 2000 && status.st_mtim.tv_nsec == 500000000);
    set[0].tv_nsec = UTIME_OMIT;
    set[1].tv_sec = 3000;
    int file = open("/work/t", O_RDWR);
    CHECK(file > 2 && futimens(file, set) == 0 && fstat(file, &status) == 0);
    CHECK(status.st_atim.tv_sec == 1000 && status.st_mtim.tv_sec == 3000);
    // Not "now", by UTIME_NOW or NULL: wasi-libc of 2022 asks for 1970 instead, or for both at once.
    CHECK(close(file) == 0);
    set[0] = (struct timespec){.tv_sec = 100};
    set[1] = (struct timespec){.tv_sec = 200};
    CHECK(utimensat(AT_FDCWD, "/work", set, 0) == 0 && stat("/work", &status) == 0);
    CHECK(S_ISDIR(status.st_mode) && status.st_mtim.tv_sec == 200);
}

static long long nanoseconds(clockid_t clock) {
    struct timespec time;
    CHECK(clock_gettime(clock, &time) == 0);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void clocks(void) {
    struct timespec short_time = {.tv_nsec = 20000000}, resolution;
    CHECK(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_sec == 0);
    CHECK(clock_getres(CLOCK_REALTIME, &resolution) == 0);
    long long start = nanoseconds(CLOCK_MONOTONIC);
    CHECK(nanosleep(&short_time, NULL) == 0);
    CHECK(usleep(10000) == 0);
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &short_time, NULL) == 0);
    long long took = nanoseconds(CLOCK_MONOTONIC) - start;
    CHECK(took >= 50000000 && took < 20000000000LL);
    struct timeval of_day;
    CHECK(gettimeofday(&of_day, NULL) == 0);
    CHECK(llabs(of_day.tv_sec - nanoseconds(CLOCK_REALTIME) / 1000000000) <= 1);
    CHECK(nanoseconds(CLOCK_REALTIME) / 1000000000 > 1700000000);
    short_time.tv_nsec = -1;
    FAILS(nanosleep(&short_time, NULL), EINVAL);
}

// The input is `one\ntwo\n3 4.5`.
static void input(void) {
    struct pollfd waiting[2] = {{.fd = 0, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
    int ready = poll(waiting, 2, 10000);
    CHECK(ready >= 1 && ((waiting[0].revents & POLLIN) || (waiting[1].revents & POLLOUT)));
    char line[100], *more = NULL;
    size_t space = 0;
    CHECK(fgets(line, sizeof line, stdin) && strcmp(line, "one\n") == 0);
    CHECK(getline(&more, &space, stdin) == 4 && strcmp(more, "two\n") == 0);
    free(more);
    int whole;
    char word[8];
    CHECK(scanf("%d %7s", &whole, word) == 2 && whole == 3 && strcmp(word, "4.5") == 0);
    CHECK(getchar() == EOF && feof(stdin));
    CHECK(printf("%s", "read\n") == 5);
}

// Nothing comes and nobody has gone.
static void wait_for_input(void) {
    struct pollfd waiting = {.fd = 0, .events = POLLIN};
    long long start = nanoseconds(CLOCK_MONOTONIC);
    CHECK(poll(&waiting, 1, 30) == 0 && waiting.revents == 0);
    CHECK(nanoseconds(CLOCK_MONOTONIC) - start >= 30000000);
}

static void environment(int count, char **arguments) {
    CHECK(count == 4 && strcmp(arguments[2], "") == 0 && strcmp(arguments[3], "b c") == 0);
    CHECK(getenv("NAME") && strcmp(getenv("NAME"), "va=lue") == 0);
    CHECK(getenv("EMPTY") && *getenv("EMPTY") == 0);
    CHECK(!getenv("OTHER") && !getenv("PATH"));
    CHECK(setenv("OTHER", "x", 1) == 0 && strcmp(getenv("OTHER"), "x") == 0);
    CHECK(unsetenv("NAME") == 0 && !getenv("NAME"));
}

static void read_only(void) {
    struct timespec set[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    holds("/work/file", "untouched");
    FAILS_NULL(fopen("/work/file", "r+"), EROFS);
    FAILS_NULL(fopen("/work/file", "w"), EROFS);
    FAILS_NULL(fopen("/work/file", "a"), EROFS);
    FAILS_NULL(fopen("/work/new", "w"), EROFS);
    FAILS(mkdir("/work/new", 0777), EROFS);
    FAILS(unlink("/work/file"), EROFS);
    FAILS(rmdir("/work/folder"), EROFS);
    FAILS(rename("/work/file", "/work/new"), EROFS);
    FAILS(link("/work/file", "/work/new"), EROFS);
    FAILS(symlink("file", "/work/new"), EROFS);
    FAILS(utimensat(AT_FDCWD, "/work/file", set, 0), EROFS);
    FAILS(truncate("/work/file", 0), EROFS);
    int file = open("/work/file", O_RDONLY);
    CHECK(file > 2 && futimens(file, set) == -1 && errno == EROFS);
    DIR *directory = opendir("/work");
    CHECK(directory && readdir(directory) && closedir(directory) == 0);
}

// What is not granted is not there; what is beside the grant cannot be reached through it.
static void outside(int count, char **paths) {
    for (int i = 2; i < count; i++) {
        struct stat status;
        errno = 0;
        int file = open(paths[i], O_RDONLY);
        // ENOENT from a library that finds no directory for the path; EPERM and ENOTCAPABLE from below it.
        if (file != -1 || !(errno == ENOENT || errno == EPERM || errno == ENOTCAPABLE)) {
            fprintf(stderr, "%s: ", paths[i]);
            fail(__LINE__, "it cannot be opened");
        }
        CHECK(stat(paths[i], &status) == -1);
        CHECK(!fopen(paths[i], "a"));
        CHECK(!opendir(paths[i]));
        CHECK(unlink(paths[i]) == -1);
        CHECK(mkdir(paths[i], 0777) == -1);
        CHECK(rename("/work/file", paths[i]) == -1);
        CHECK(link("/work/file", paths[i]) == -1);
    }
    holds("/work/file", "untouched");
}

static void first(void) {
    printf("first\n");
}
static void second(void) {
    printf("second, ");
}
static void at_the_end(void) {
    CHECK(atexit(first) == 0 && atexit(second) == 0);
    printf("main, ");
}

int main(int count, char **arguments) {
    const char *which = count > 1 ? arguments[1] : "";
#define CASE(name) if (strcmp(which, name) == 0)
    CASE("files") buffers(), memory(), modes(), descriptors(), directories(), names(), times();
    else CASE("clocks") clocks();
    else CASE("input") input();
    else CASE("wait-for-input") wait_for_input();
    else CASE("environment") environment(count, arguments);
    else CASE("read-only") read_only();
    else CASE("outside") outside(count, arguments);
    else CASE("return-0") { at_the_end(); return 0; }
    else CASE("return-7") { at_the_end(); return 7; }
    else CASE("exit-0") { at_the_end(); exit(0); }
    else CASE("exit-7") { at_the_end(); exit(7); }
    else CASE("exit-at-once") { at_the_end(); _Exit(0); }
    else CASE("abort") { at_the_end(); abort(); }
    else { fprintf(stderr, "no case %s\n", which); return 2; }
    return 0;
}
