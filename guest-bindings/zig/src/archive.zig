//! The archives that `parse` and `read` return, as wit/PAYLOAD.md lays them out.
//!
//! A writer is a few growing buffers. What goes first into an archive, text or bytes, is written to where it stays; the rest is
//! appended when the archive is finished. WebAssembly is little endian, as archives are: numbers are copied as they are. Memory
//! is malloc's, because the host has an archive freed with free. Where there is none left, the plugin traps.

const std = @import("std");
const utf8 = @import("utf8.zig");

const memory = std.heap.c_allocator;
const item_size = 20;
const attachment_size = 44;
const number_size = 8;
const root_size = 72;
const max_archive = 0x7fff_ffff;

/// Growing bytes.
pub const Buffer = struct {
    list: std.ArrayList(u8) = .empty,

    /// Where the next bytes go, at least so many; they count once `list.items.len` is raised.
    pub fn reserve(self: *Buffer, more: usize) [*]u8 {
        self.list.ensureUnusedCapacity(memory, more) catch @trap();
        return self.list.items.ptr + self.list.items.len;
    }

    pub fn append(self: *Buffer, bytes: []const u8) void {
        self.list.appendSlice(memory, bytes) catch @trap();
    }

    fn words(self: *Buffer, numbers: []const u32) void {
        self.append(std.mem.sliceAsBytes(numbers));
    }

    fn pad(self: *Buffer) void {
        self.append("\x00\x00\x00"[0 .. padded(self.len()) - self.len()]);
    }

    pub fn len(self: *const Buffer) usize {
        return self.list.items.len;
    }

    fn length(self: *const Buffer) u32 {
        return @intCast(self.list.items.len);
    }
};

fn padded(len: usize) usize {
    return (len + 3) & ~@as(usize, 3);
}

/// Why bytes were skipped.
pub const Reason = enum(u8) { unspecified, garbage, truncated, malformed, unsupported };

/// Why there are no more items in a batch.
pub const Tail = union(enum) {
    complete,
    /// So many bytes more are wanted at least; 0 if that is not known.
    incomplete: u32,
    full,
    end,
    /// The parser cannot go on, and this is what to tell the user.
    failed: []const u8,
};

/// A file that a trace carries.
pub const Attachment = struct {
    name: []const u8 = "",
    /// As announced in the trace.
    size: u64 = 0,
    created: ?[]const u8 = null,
    modified: ?[]const u8 = null,
    /// Numbers of the messages that carried it, counted from 0 since init.
    messages: []const u64 = &.{},
    data: []const u8 = "",
};

/// Where in an item the message's own bytes are.
pub const Range = struct { start: u32 = 0, len: u32 = 0 };

/// What a parser found in one call. Reused for every call.
pub const Batch = struct {
    text: Buffer = .{},
    cells: Buffer = .{},
    items: Buffer = .{},
    attachments: Buffer = .{},
    attachment_text: Buffer = .{},
    data: Buffer = .{},
    numbers: Buffer = .{},
    open_text: usize = 0,
    open_cells: usize = 0,
    cell_start: usize = 0,
    max: usize = max_archive,
    largest: usize = max_archive / 16,

    pub fn init(max_archive_bytes: u32) Batch {
        const max = @min(max_archive_bytes, max_archive);
        return .{ .max = max, .largest = max / 16 };
    }

    /// Text of the open cell: UTF-8 as it is.
    pub fn push(self: *Batch, text: []const u8) void {
        self.text.append(text);
    }

    /// Text of the open cell: what is not UTF-8 becomes U+FFFD.
    pub fn pushLossy(self: *Batch, bytes: []const u8) void {
        const ascii = utf8.copyAscii(self.text.reserve(bytes.len), bytes);
        self.text.list.items.len += ascii;
        if (ascii == bytes.len) return;
        const rest = bytes[ascii..];
        self.text.list.items.len += utf8.copyLossy(self.text.reserve(3 * rest.len), rest);
    }

    /// What was written since the last cell is a cell, also if it is nothing.
    pub fn endCell(self: *Batch) void {
        self.cell_start = self.text.len();
        @as(*align(1) u32, @ptrCast(self.cells.reserve(4))).* = self.text.length();
        self.cells.list.items.len += 4;
    }

    /// The next item is a message, to which the cells since the last item belong.
    pub fn message(self: *Batch, consumed: u32, own: Range, damaged: bool) void {
        if (self.text.len() > self.cell_start) self.endCell();
        self.item(consumed, own, if (damaged) 0x100 else 0, 0);
    }

    /// The next bytes are a message that the configuration leaves out.
    pub fn filtered(self: *Batch, consumed: u32) void {
        self.discard();
        self.item(consumed, .{}, 3, 0);
    }

    /// The next bytes are no message. Skipping nothing adds nothing.
    pub fn skipped(self: *Batch, consumed: u32, reason: Reason) void {
        self.discard();
        if (consumed > 0) self.item(consumed, .{}, 4 | @as(u32, @intFromEnum(reason)) << 16, 0);
    }

    /// The next bytes complete an attachment; with `own` they also are a message.
    pub fn attached(self: *Batch, consumed: u32, own: ?Range, attachment: Attachment) void {
        self.data.append(attachment.data);
        self.numbers.append(std.mem.sliceAsBytes(attachment.messages));
        const dates = @as(u32, @intFromBool(attachment.created != null)) | @as(u32, @intFromBool(attachment.modified != null)) << 1;
        var words = [_]u32{ self.data.length(), self.numbers.length() / number_size, @truncate(attachment.size), @truncate(attachment.size >> 32), dates, 0, 0, 0, 0, 0, 0 };
        for ([_][]const u8{ attachment.name, attachment.created orelse "", attachment.modified orelse "" }, 0..) |text, at| {
            words[5 + 2 * at] = self.attachment_text.length();
            words[6 + 2 * at] = @intCast(text.len);
            self.attachment_text.append(text);
        }
        self.attachments.words(&words);
        if (own == null) self.discard() else if (self.text.len() > self.cell_start) self.endCell();
        // Names and dates are short; half a kilobyte stands for them.
        const size = attachment_size + attachment.data.len + attachment.messages.len * number_size + 512;
        self.item(consumed, own orelse .{}, if (own == null) 1 else 2, size);
    }

    /// Whether it is time to return `.full`: another item may not fit.
    pub fn isFull(self: *const Batch) bool {
        return self.items.len() > 0 and self.archived(0) + self.largest > self.max;
    }

    /// The archive; the batch is empty then.
    pub fn finish(self: *Batch, tail: Tail) []u8 {
        self.discard();
        const failure = if (tail == .failed) tail.failed else "";
        const total = self.archived(failure.len);
        if (total >= max_archive) @trap();
        var out = self.text;
        out.list.ensureTotalCapacityPrecise(memory, @max(total, out.list.capacity)) catch @trap();
        const attachment_text = out.length();
        out.append(self.attachment_text.list.items);
        const failure_start = out.length();
        out.append(failure);
        var arrays: [6][2]u32 = undefined;
        arrays[0] = .{ 0, out.length() };
        out.pad();
        arrays[1] = .{ out.length(), self.cells.length() / 4 };
        out.append(self.cells.list.items);
        arrays[2] = .{ out.length(), self.items.length() / item_size };
        out.append(self.items.list.items);
        arrays[3] = .{ out.length(), self.data.length() };
        out.append(self.data.list.items);
        out.pad();
        arrays[4] = .{ out.length(), self.attachments.length() / attachment_size };
        var at: usize = 0;
        while (at < self.attachments.len()) : (at += attachment_size) {
            var words: [11]u32 = undefined;
            @memcpy(std.mem.sliceAsBytes(&words), self.attachments.list.items[at..][0..attachment_size]);
            words[5] += attachment_text;
            words[7] = if (words[4] & 1 != 0) words[7] + attachment_text else 0;
            words[9] = if (words[4] & 2 != 0) words[9] + attachment_text else 0;
            out.words(&words);
        }
        arrays[5] = .{ out.length(), self.numbers.length() / number_size };
        out.append(self.numbers.list.items);
        entries(&out, &arrays);
        const failed = tail == .failed;
        const needed = if (tail == .incomplete) tail.incomplete else 0;
        out.words(&.{ @intFromEnum(tail), needed, if (failed) failure_start else 0, @intCast(failure.len) });
        out.append("CMPA\x01\x00\x00\x00");

        self.text = .{};
        _ = self.text.reserve(@min(out.len() + out.len() / 16, self.max));
        inline for (.{ "cells", "items", "attachments", "attachment_text", "data", "numbers" }) |name| @field(self, name).list.clearRetainingCapacity();
        self.open_text = 0;
        self.open_cells = 0;
        self.cell_start = 0;
        return out.list.items;
    }

    fn archived(self: *const Batch, failure: usize) usize {
        const attachments = if (self.attachments.len() > 0) padded(self.data.len()) + self.attachments.len() + self.numbers.len() else 0;
        return padded(self.text.len() + self.attachment_text.len() + failure) + self.cells.len() + self.items.len() + attachments + root_size;
    }

    fn discard(self: *Batch) void {
        self.text.list.items.len = self.open_text;
        self.cell_start = self.open_text;
        self.cells.list.items.len = self.open_cells;
    }

    fn item(self: *Batch, consumed: u32, own: Range, codes: u32, extra: usize) void {
        const size = item_size + self.cells.len() - self.open_cells + self.text.len() - self.open_text + extra;
        self.largest = @max(self.largest, size);
        @as(*align(1) [5]u32, @ptrCast(self.items.reserve(item_size))).* = .{ consumed, own.start, own.len, self.cells.length() / 4, codes };
        self.items.list.items.len += item_size;
        self.open_cells = self.cells.len();
        self.open_text = self.text.len();
        self.cell_start = self.open_text;
    }
};

/// The entries of a root that begins here: where each array is, relative to its entry, and how many elements it has.
fn entries(out: *Buffer, arrays: []const [2]u32) void {
    for (arrays) |array| out.words(&.{ array[0] -% out.length(), array[1] });
}

/// How a chunk ends.
pub const State = union(enum) {
    more,
    end,
    /// Nothing at present: try again after so many milliseconds, or 0 if that is not known.
    retry_later: u32,
};

/// What a source read in one call.
pub const Chunk = struct {
    bytes: Buffer = .{},
    segments: Buffer = .{},
    open: usize = 0,
    max: usize,

    pub fn init(max: usize) Chunk {
        var chunk: Chunk = .{ .max = max };
        _ = chunk.bytes.reserve(padded(max) + 20 + 32);
        return chunk;
    }

    /// Where to read to; then say how much that was with `advance`.
    pub fn spare(self: *Chunk) []u8 {
        return self.bytes.reserve(self.max - self.bytes.len())[0 .. self.max - self.bytes.len()];
    }

    pub fn advance(self: *Chunk, count: usize) void {
        self.bytes.list.items.len += count;
    }

    /// The bytes since the last segment are one; `timestamp` is in nanoseconds since 1970.
    pub fn segment(self: *Chunk, skipped: u32, timestamp: ?u64) void {
        const time = timestamp orelse 0;
        self.segments.words(&.{ self.bytes.length(), skipped, @intFromBool(timestamp != null), @truncate(time), @truncate(time >> 32) });
        self.open = self.bytes.len();
    }

    /// The archive. Bytes in no segment become one.
    pub fn finish(self: *Chunk, state: State) []u8 {
        if (self.bytes.len() > self.open) self.segment(0, null);
        var out = self.bytes;
        var arrays: [2][2]u32 = undefined;
        arrays[0] = .{ 0, out.length() };
        out.pad();
        arrays[1] = .{ out.length(), self.segments.length() / 20 };
        out.append(self.segments.list.items);
        entries(&out, &arrays);
        out.words(&.{ @intFromEnum(state), if (state == .retry_later) state.retry_later else 0 });
        out.append("CMSO\x01\x00\x00\x00");
        self.segments.list.deinit(memory);
        return out.list.items;
    }
};
