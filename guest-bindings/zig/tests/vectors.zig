//! Builds archives as a script says, for the test that compares them with the Rust payload crate's: tests/languages has the
//! script's format. A parser, so that it goes the way that plugins go.

const std = @import("std");
const chipmunk = @import("chipmunk");

comptime {
    chipmunk.exportParser(Vectors);
}

const Vectors = struct {
    script: []const u8 = "",
    chunk: chipmunk.Chunk = .{ .max = 0 },

    pub const version = .{ 0, 2, 0 };
    pub const capabilities: chipmunk.ParserCapabilities = .{ .ranges = true };

    pub fn init(_: chipmunk.Config, _: chipmunk.Request) chipmunk.Failed!Vectors {
        return .{};
    }

    fn number(self: *Vectors, comptime N: type) N {
        const size = @sizeOf(N);
        defer self.script = self.script[size..];
        return std.mem.readInt(N, self.script[0..size], .little);
    }

    fn bytes(self: *Vectors) []const u8 {
        const len = self.number(u32);
        defer self.script = self.script[len..];
        return self.script[0..len];
    }

    fn maybe(self: *Vectors) ?[]const u8 {
        return if (self.number(u8) != 0) self.bytes() else null;
    }

    fn range(self: *Vectors) chipmunk.Range {
        const start = self.number(u32);
        return .{ .start = start, .len = self.number(u32) };
    }

    fn attached(self: *Vectors, out: *chipmunk.Batch) void {
        const consumed = self.number(u32);
        const message = self.number(u8) != 0;
        const own = self.range();
        var attachment: chipmunk.Attachment = .{ .name = self.bytes(), .size = self.number(u64) };
        attachment.created = self.maybe();
        attachment.modified = self.maybe();
        const numbers = std.heap.c_allocator.alloc(u64, self.number(u32)) catch @trap();
        for (numbers) |*to| to.* = self.number(u64);
        attachment.messages = numbers;
        attachment.data = self.bytes();
        out.attached(consumed, if (message) own else null, attachment);
    }

    pub fn parseToArchive(self: *Vectors, input: chipmunk.Input, out: *chipmunk.Batch) []u8 {
        self.script = input.data;
        while (true) switch (self.number(u8)) {
            'B' => out.* = .init(self.number(u32)),
            't' => out.push(self.bytes()),
            'l' => out.pushLossy(self.bytes()),
            'c' => out.endCell(),
            'm' => {
                const consumed = self.number(u32);
                const own = self.range();
                out.message(consumed, own, self.number(u8) != 0);
            },
            'f' => out.filtered(self.number(u32)),
            's' => {
                const consumed = self.number(u32);
                out.skipped(consumed, @enumFromInt(self.number(u8)));
            },
            'a' => self.attached(out),
            'F' => if (out.isFull()) return out.finish(.full),
            'z' => {
                const state = self.number(u8);
                const needed = self.number(u32);
                return out.finish(switch (state) {
                    0 => .complete,
                    1 => .{ .incomplete = needed },
                    2 => .full,
                    3 => .end,
                    else => .{ .failed = self.bytes() },
                });
            },
            'S' => self.chunk = .init(self.number(u32)),
            'b' => {
                const from = self.bytes();
                @memcpy(self.chunk.spare(), from);
                self.chunk.advance(from.len);
            },
            'k' => {
                const skipped = self.number(u32);
                const has = self.number(u8) != 0;
                const time = self.number(u64);
                self.chunk.segment(skipped, if (has) time else null);
            },
            'Z' => {
                const state = self.number(u32);
                const retry = self.number(u32);
                return self.chunk.finish(switch (state) {
                    0 => .more,
                    1 => .end,
                    else => .{ .retry_later = retry },
                });
            },
            else => @trap(),
        };
    }
};
