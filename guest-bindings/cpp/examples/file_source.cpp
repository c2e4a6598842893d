// The Chipmunk plugin `file-source`: the bytes of a file, or of the standard input, as they are. They are read to where they
// stay in the archive; a chunk is as large as the host asks for, also where the system gives less at a time.
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chipmunk.hpp"

namespace {

using chipmunk::Failure, chipmunk::State;

class FileSource {
public:
    static constexpr std::uint16_t version[] = {0, 2, 0};
    static constexpr chipmunk::Item items[] = {{
        .id = "input",
        .title = "File",
        .description = "The file to read, or - for the standard input.",
        .kind = CHIPMUNK_FILES,
        .integer = 0,
        .number = 0,
        .text = nullptr,
        .options = nullptr,
    }};

    static std::expected<FileSource, Failure> make(chipmunk::Config config) {
        std::vector<std::string> paths = config.paths("input");
        if (paths.empty()) return chipmunk::fail(Failure::config, "the option `input` needs a file, and none is given");
        if (paths.size() > 1) return chipmunk::fail(Failure::config, "the option `input` takes one file");
        const std::string &path = paths[0];
        int file = path == "-" ? 0 : open(path.c_str(), O_RDONLY);
        struct stat status;
        if (file < 0 || fstat(file, &status) < 0)
            return chipmunk::fail(Failure::io, path + " cannot be opened: " + std::strerror(errno));
        if (S_ISDIR(status.st_mode)) return chipmunk::fail(Failure::io, path + " is a directory; name a file in it");
        chipmunk::log(chipmunk::Level::info, "reading " + path);
        return FileSource(path, file);
    }

    std::expected<State, Failure> read(chipmunk::Chunk &out) {
        while (!out.spare().empty()) {
            ssize_t got = ::read(file_, out.spare().data(), out.spare().size());
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return chipmunk::fail(Failure::io, path_ + " cannot be read: " + std::strerror(errno));
            if (got == 0) break;
            out.advance(static_cast<std::size_t>(got));
        }
        // Only an empty read says that the end is there: what is short now may be longer the next time.
        return out.size() ? State::more : State::end;
    }

private:
    FileSource(std::string path, int file) : path_(std::move(path)), file_(file) {}

    std::string path_;
    int file_;
};

} // namespace

CHIPMUNK_SOURCE(FileSource);
