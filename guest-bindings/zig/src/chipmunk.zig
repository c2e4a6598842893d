//! Write Chipmunk plugins in Zig. A plugin is a struct, which `exportParser` or `exportSource` makes the plugin of the component:
//!
//! - `pub const version: [3]u16`, and if wanted `items: []const Item`, `capabilities`, `columns: []const Column`;
//! - `pub fn init(config: Config, request: Request) Failed!Self` (a source's has no request);
//! - `pub fn parse(self: *Self, input: Input, out: *Batch) Tail`, or `pub fn read(self: *Self, out: *Chunk) Failed!State`.
//!   A parser that finishes its archives itself has `parseToArchive`, which returns one.
//!
//! Underneath are the C bindings and `guest-bindings/c/src/plugin.c`, whose structs are restated here.

const std = @import("std");
const archive = @import("archive.zig");

pub const Attachment = archive.Attachment;
pub const Batch = archive.Batch;
pub const Chunk = archive.Chunk;
pub const Range = archive.Range;
pub const Reason = archive.Reason;
pub const State = archive.State;
pub const Tail = archive.Tail;

/// One thing that the user can configure. Only the default of its kind counts.
pub const Item = extern struct {
    id: [*:0]const u8,
    title: [*:0]const u8,
    description: ?[*:0]const u8 = null,
    kind: enum(c_int) { boolean, integer, float, text, directories, files, dropdown },
    /// Default of an integer; of a boolean, 0 or 1.
    integer: i32 = 0,
    float: f32 = 0,
    /// Default of a text or a dropdown.
    text: ?[*:0]const u8 = null,
    /// Options of a dropdown, or extensions of files.
    options: ?[*:null]const ?[*:0]const u8 = null,
};

pub const Column = extern struct { caption: [*:0]const u8, description: [*:0]const u8, width: i16 = -1 };

/// The user's values. Of an item that is missing or of another kind, the value is 0, false or nothing. Text is valid
/// during init: copy what is kept.
pub const Config = struct {
    handle: *const anyopaque,

    pub fn boolean(self: Config, id: [*:0]const u8) bool {
        return chipmunk_boolean(self.handle, id);
    }
    pub fn integer(self: Config, id: [*:0]const u8) i32 {
        return chipmunk_integer(self.handle, id);
    }
    pub fn float(self: Config, id: [*:0]const u8) f32 {
        return chipmunk_float(self.handle, id);
    }
    /// A text, or the option of a dropdown.
    pub fn text(self: Config, id: [*:0]const u8) []const u8 {
        return chipmunk_string(self.handle, id).slice();
    }
    /// How many files or directories there are.
    pub fn paths(self: Config, id: [*:0]const u8) usize {
        return chipmunk_paths(self.handle, id);
    }
    pub fn path(self: Config, id: [*:0]const u8, index: usize) []const u8 {
        return chipmunk_path(self.handle, id, index).slice();
    }
};

pub const Output = enum(c_int) { ranges, line, columns };

/// What the host wants of a parser.
pub const Request = struct { output: Output, max_archive_bytes: u32 };

pub const Input = struct {
    /// Begins where the last batch stopped consuming.
    data: []const u8,
    /// Nanoseconds since 1970.
    timestamp: ?u64,
    /// Nothing will follow.
    at_end: bool,
};

pub const ParserCapabilities = packed struct(u8) {
    resynchronises: bool = false,
    ranges: bool = false,
    line: bool = false,
    columns: bool = false,
    attachments: bool = false,
    _: u3 = 0,
};

pub const SourceCapabilities = packed struct(u8) { timestamps: bool = false, live: bool = false, _: u6 = 0 };

pub const Level = enum(c_int) { err, warn, info, debug, trace };

/// Writes a line to the host's log, if its level is wanted: all the parts.
pub fn log(level: Level, parts: []const []const u8) void {
    const line = joined(parts);
    defer memory.free(line);
    chipmunk_log(level, line.ptr, @as(?[*:0]const u8, null));
}

/// What `fail` returns.
pub const Failed = error{Failed};

/// Why init or read failed.
pub const Kind = enum(c_int) { config, io, unsupported, other };

/// `return fail(.io, &.{ path, " cannot be opened" })`: the text is shown to the user.
pub fn fail(kind: Kind, parts: []const []const u8) Failed {
    const line = joined(parts);
    defer memory.free(line);
    if (failing) |failure| _ = chipmunk_fail(failure, kind, line.ptr, @as(?[*:0]const u8, null));
    return error.Failed;
}

/// Makes a parser of a struct. Once in a plugin, in a `comptime` block.
pub fn exportParser(comptime P: type) void {
    const Glue = struct {
        var parser: P = undefined;
        var batch: Batch = .{};

        fn init(config: *const anyopaque, output: Output, max_archive_bytes: u32, failure: *Failure) callconv(.c) bool {
            failing = failure;
            defer failing = null;
            batch = .init(max_archive_bytes);
            parser = P.init(.{ .handle = config }, .{ .output = output, .max_archive_bytes = max_archive_bytes }) catch return false;
            return true;
        }
        fn parse(input: CInput) callconv(.c) Bytes {
            const given: Input = .{
                .data = input.data[0..input.len],
                .timestamp = if (input.timestamp) |time| time.* else null,
                .at_end = input.at_end,
            };
            if (@hasDecl(P, "parseToArchive")) return .of(parser.parseToArchive(given, &batch));
            return .of(batch.finish(parser.parse(given, &batch)));
        }
        const plugin: CParser = .{
            .version = P.version,
            .items = if (@hasDecl(P, "items")) P.items.ptr else null,
            .items_len = if (@hasDecl(P, "items")) P.items.len else 0,
            .capabilities = P.capabilities,
            .columns = if (@hasDecl(P, "columns")) P.columns.ptr else null,
            .columns_len = if (@hasDecl(P, "columns")) P.columns.len else 0,
            .min_width = 3,
            .max_width = 1000,
            .init = init,
            .parse = parse,
        };
    };
    @export(&Glue.plugin, .{ .name = "chipmunk_parser_plugin" });
}

/// Makes a source of a struct. Once in a plugin, in a `comptime` block.
pub fn exportSource(comptime S: type) void {
    const Glue = struct {
        var source: S = undefined;

        fn init(config: *const anyopaque, failure: *Failure) callconv(.c) bool {
            failing = failure;
            defer failing = null;
            source = S.init(.{ .handle = config }) catch return false;
            return true;
        }
        fn read(len: usize, bytes: *Bytes, failure: *Failure) callconv(.c) bool {
            failing = failure;
            defer failing = null;
            var chunk: Chunk = .init(len);
            const state = source.read(&chunk) catch {
                memory.free(chunk.bytes.list.allocatedSlice());
                return false;
            };
            bytes.* = .of(chunk.finish(state));
            return true;
        }
        const plugin: CSource = .{
            .version = S.version,
            .items = if (@hasDecl(S, "items")) S.items.ptr else null,
            .items_len = if (@hasDecl(S, "items")) S.items.len else 0,
            .capabilities = if (@hasDecl(S, "capabilities")) S.capabilities else .{},
            .init = init,
            .read = read,
        };
    };
    @export(&Glue.plugin, .{ .name = "chipmunk_source_plugin" });
}

const memory = std.heap.c_allocator;

/// What `fail` fills while init or read runs.
var failing: ?*Failure = null;

fn joined(parts: []const []const u8) [:0]u8 {
    return std.mem.concatWithSentinel(memory, u8, parts, 0) catch @trap();
}

const Text = extern struct {
    ptr: ?[*]const u8,
    len: usize,

    fn slice(self: Text) []const u8 {
        return if (self.ptr) |ptr| ptr[0..self.len] else "";
    }
};
const Bytes = extern struct {
    ptr: ?[*]u8,
    len: usize,

    fn of(slice: []u8) Bytes {
        return .{ .ptr = slice.ptr, .len = slice.len };
    }
};
const Failure = extern struct { kind: u8, text: Bytes };
const CInput = extern struct { data: [*]const u8, len: usize, timestamp: ?*const u64, at_end: bool };
const CParser = extern struct {
    version: [3]u16,
    items: ?[*]const Item,
    items_len: usize,
    capabilities: ParserCapabilities,
    columns: ?[*]const Column,
    columns_len: usize,
    min_width: u16,
    max_width: u16,
    init: *const fn (*const anyopaque, Output, u32, *Failure) callconv(.c) bool,
    parse: *const fn (CInput) callconv(.c) Bytes,
};
const CSource = extern struct {
    version: [3]u16,
    items: ?[*]const Item,
    items_len: usize,
    capabilities: SourceCapabilities,
    init: *const fn (*const anyopaque, *Failure) callconv(.c) bool,
    read: *const fn (usize, *Bytes, *Failure) callconv(.c) bool,
};

extern fn chipmunk_boolean(config: *const anyopaque, id: [*:0]const u8) bool;
extern fn chipmunk_integer(config: *const anyopaque, id: [*:0]const u8) i32;
extern fn chipmunk_float(config: *const anyopaque, id: [*:0]const u8) f32;
extern fn chipmunk_string(config: *const anyopaque, id: [*:0]const u8) Text;
extern fn chipmunk_paths(config: *const anyopaque, id: [*:0]const u8) usize;
extern fn chipmunk_path(config: *const anyopaque, id: [*:0]const u8, index: usize) Text;
extern fn chipmunk_log(level: Level, ...) void;
extern fn chipmunk_fail(failure: *Failure, kind: Kind, ...) bool;
