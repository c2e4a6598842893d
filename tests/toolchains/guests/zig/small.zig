const Str = extern struct { ptr: [*]u8, len: usize };
const Entry = extern struct { level: u8, text: Str, numbers: extern struct { ptr: [*]const u32, len: usize } };
extern fn test_kit_host_note(entry: *Entry, ret: *u32, err: *Str) bool;
extern fn test_kit_host_shout(text: *Str, ret: *Str) void;
export fn exports_test_kit_words_text(a: *Str, ret: *Str) void { ret.* = a.*; }
export fn exports_test_kit_words_bytes(a: *Str, ret: *Str) void { ret.* = a.*; }
export fn exports_test_kit_words_through(text: *Str, ret: *Str, err: *Str) bool {
    const nums = [_]u32{ 1, 2, 3 };
    var n: u32 = 0;
    var entry = Entry{ .level = 2, .text = text.*, .numbers = .{ .ptr = &nums, .len = 3 } };
    if (!test_kit_host_note(&entry, &n, err)) return false;
    var loud: Str = undefined;
    test_kit_host_shout(text, &loud);
    const all = malloc(loud.len + 2);
    @memcpy(all[0..loud.len], loud.ptr[0..loud.len]);
    all[loud.len] = '/';
    all[loud.len + 1] = '0' + @as(u8, @intCast(n));
    ret.* = .{ .ptr = all, .len = loud.len + 2 };
    return true;
}
extern fn malloc(n: usize) [*]u8;
