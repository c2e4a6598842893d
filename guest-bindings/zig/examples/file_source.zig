//! The Chipmunk plugin `file-source`: the bytes of a file, or of the standard input, as they are. They are read to where they
//! stay in the archive; a chunk is as large as the host asks for, also where the system gives less at a time.

const std = @import("std");
const chipmunk = @import("chipmunk");

comptime {
    chipmunk.exportSource(FileSource);
}

const FileSource = struct {
    path: [:0]const u8,
    file: c_int,

    pub const version = .{ 0, 2, 0 };
    pub const items: []const chipmunk.Item = &.{.{
        .id = "input",
        .title = "File",
        .description = "The file to read, or - for the standard input.",
        .kind = .files,
    }};

    pub fn init(config: chipmunk.Config) chipmunk.Failed!FileSource {
        if (config.paths("input") == 0)
            return chipmunk.fail(.config, &.{"the option `input` needs a file, and none is given"});
        if (config.paths("input") > 1)
            return chipmunk.fail(.config, &.{"the option `input` takes one file"});
        const path = std.heap.c_allocator.dupeSentinel(u8, config.path("input", 0), 0) catch
            return chipmunk.fail(.other, &.{"there is no memory left"});
        if (std.mem.eql(u8, path, "-")) return .{ .path = path, .file = 0 };
        const file = std.c.open(path, .{ .read = true });
        var status: std.c.Stat = undefined;
        if (file < 0 or std.c.fstat(file, &status) < 0)
            return chipmunk.fail(.io, &.{ path, " cannot be opened: ", reason() });
        if (std.c.S.ISDIR(status.mode))
            return chipmunk.fail(.io, &.{ path, " is a directory; name a file in it" });
        chipmunk.log(.info, &.{ "reading ", path });
        return .{ .path = path, .file = file };
    }

    pub fn read(self: *FileSource, out: *chipmunk.Chunk) chipmunk.Failed!chipmunk.State {
        while (out.spare().len > 0) {
            const got = std.c.read(self.file, out.spare().ptr, out.spare().len);
            if (got < 0) return chipmunk.fail(.io, &.{ self.path, " cannot be read: ", reason() });
            if (got == 0) break;
            out.advance(@intCast(got));
        }
        // Only an empty read says that the end is there: what is short now may be longer the next time.
        return if (out.bytes.len() > 0) .more else .end;
    }
};

fn reason() []const u8 {
    return std.mem.span(strerror(std.c._errno().*));
}

extern fn strerror(number: c_int) [*:0]const u8;
