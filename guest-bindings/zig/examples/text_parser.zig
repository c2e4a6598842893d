//! The Chipmunk plugin `text-parser`: every line is a message, whatever ends it. Its own bytes are all of it, its text is the
//! line without the ending. See host/text for what a line is: this gives the same, byte for byte.

const std = @import("std");
const chipmunk = @import("chipmunk");

comptime {
    chipmunk.exportParser(TextParser);
}

const TextParser = struct {
    output: chipmunk.Output,
    separator: []const u8,

    pub const version = .{ 0, 2, 0 };
    pub const items: []const chipmunk.Item = &.{.{
        .id = "column-split",
        .title = "Column separator",
        .description = "What stands between the columns of a line; lines are not split if it is empty.",
        .kind = .text,
    }};
    pub const capabilities: chipmunk.ParserCapabilities = .{ .ranges = true, .line = true, .columns = true };
    pub const columns: []const chipmunk.Column = &.{.{ .caption = "Text", .description = "The line, or its first column." }};

    pub fn init(config: chipmunk.Config, request: chipmunk.Request) chipmunk.Failed!TextParser {
        const separator = std.heap.c_allocator.dupe(u8, config.text("column-split")) catch
            return chipmunk.fail(.other, &.{"there is no memory left"});
        return .{ .output = request.output, .separator = separator };
    }

    pub fn parse(self: *TextParser, input: chipmunk.Input, out: *chipmunk.Batch) chipmunk.Tail {
        var rest = input.data;
        while (rest.len > 0) {
            if (out.isFull()) return .full;
            const end = lineEnd(rest);
            const ending: usize = if (end == rest.len) 0 else if (std.mem.startsWith(u8, rest[end..], "\r\n")) 2 else 1;
            // A `\r` that comes last may be half an ending.
            const open = end == rest.len or (rest[end] == '\r' and end + 1 == rest.len);
            if (open and !input.at_end) return .{ .incomplete = 0 };
            self.cells(rest[0..end], out);
            const len: u32 = @intCast(end + ending);
            out.message(len, .{ .start = 0, .len = len }, false);
            rest = rest[len..];
        }
        return .complete;
    }

    fn cells(self: *const TextParser, line: []const u8, out: *chipmunk.Batch) void {
        if (self.output == .ranges) return;
        var rest = line;
        if (self.output == .columns and self.separator.len > 0) {
            while (std.mem.find(u8, rest, self.separator)) |at| {
                out.pushLossy(rest[0..at]);
                out.endCell();
                rest = rest[at + self.separator.len ..];
            }
        }
        out.pushLossy(rest);
        out.endCell();
    }
};

/// Where the next `\n` or `\r` is, or the length.
fn lineEnd(data: []const u8) usize {
    const Bytes = @Vector(16, u8);
    var at: usize = 0;
    while (at + 16 <= data.len) : (at += 16) {
        const bytes: Bytes = data[at..][0..16].*;
        const ends = @as(u16, @bitCast(bytes == @as(Bytes, @splat('\n')))) | @as(u16, @bitCast(bytes == @as(Bytes, @splat('\r'))));
        if (ends != 0) return at + @ctz(ends);
    }
    while (at < data.len and data[at] != '\n' and data[at] != '\r') at += 1;
    return at;
}
