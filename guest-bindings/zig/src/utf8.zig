//! Text of unknown bytes: a fast copy of what is ASCII, and the replacement of what is not UTF-8.

/// Copies the ASCII at the start of `from`, and says how much that is; may write up to `from.len` bytes. In WebAssembly a copy of
/// unknown length leaves the guest's code for a function of the engine: short ones are cheaper with loads and stores.
pub fn copyAscii(to: [*]u8, from: []const u8) usize {
    const Bytes = @Vector(16, u8);
    var at: usize = 0;
    while (at + 16 <= from.len) : (at += 16) {
        const bytes: Bytes = from[at..][0..16].*;
        to[at..][0..16].* = bytes;
        const high: u16 = @bitCast(bytes >= @as(Bytes, @splat(0x80)));
        if (high != 0) return at + @ctz(high);
    }
    while (at < from.len and from[at] < 0x80) : (at += 1) to[at] = from[at];
    return at;
}

/// Copies text, with U+FFFD for each maximal part of a character that is none; `to` has room for three times as much.
/// Returns how many bytes that makes.
pub fn copyLossy(to: [*]u8, from: []const u8) usize {
    var written: usize = 0;
    var rest = from;
    while (rest.len > 0) {
        const ascii = copyAscii(to + written, rest);
        written += ascii;
        rest = rest[ascii..];
        if (rest.len == 0) break;
        const part = character(rest);
        const replacement: []const u8 = "\u{fffd}";
        const text = if (part.whole) rest[0..part.len] else replacement;
        for (text) |byte| {
            to[written] = byte;
            written += 1;
        }
        rest = rest[part.len..];
    }
    return written;
}

const Part = struct { len: usize, whole: bool };

/// The character at the start, or as much of it as there is: table 3-7 of the Unicode standard says which second
/// bytes may follow a first.
fn character(from: []const u8) Part {
    const first = from[0];
    const len: usize = switch (first) {
        0...0x7f => 1,
        0xc2...0xdf => 2,
        0xe0...0xef => 3,
        0xf0...0xf4 => 4,
        else => return .{ .len = 1, .whole = false },
    };
    var low: u8 = switch (first) {
        0xe0 => 0xa0,
        0xf0 => 0x90,
        else => 0x80,
    };
    var high: u8 = switch (first) {
        0xed => 0x9f,
        0xf4 => 0x8f,
        else => 0xbf,
    };
    for (1..len) |at| {
        if (at >= from.len or from[at] < low or from[at] > high) return .{ .len = at, .whole = false };
        low = 0x80;
        high = 0xbf;
    }
    return .{ .len = len, .whole = true };
}
