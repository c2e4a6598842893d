//! A parser and a source, in text, that keep their contract, in parts that a test can replace.

use chipmunk_e2e::guest::{Guest, PARSE, READ};

/// Where `init` points to when it refuses: an error of the kind *unsupported*, with a text.
const REFUSAL: u32 = 96;
const REFUSAL_TEXT: u32 = 384;

/// What the parser's functions are made of. Text as in the module; `$end` is where the line ends that begins at `$at`, both in
/// the input, which is at `$ptr` and `$len` long.
#[derive(Debug, Clone)]
pub struct Lines {
    /// Bits of `get-capabilities`; without `line` (4) and `columns` (8).
    pub capabilities: u32,
    /// Runs before anything else in a call.
    pub begin: String,
    /// Runs when no line end is found and more may follow; leaves the state.
    pub unfinished: String,
    /// Runs when no line end is found and nothing will follow; leaves the state, or falls through to the item.
    pub unfinished_at_end: String,
    /// What each item says it consumes.
    pub consumed: String,
    /// The item's kind, flags and reason, in one number.
    pub kind: String,
    /// Runs for each item, before it is written.
    pub each: String,
    /// Bytes that an archive may have.
    pub limit: String,
    /// What `needed` is when the tail is incomplete.
    pub needed: String,
    /// The archive's last word but one: its magic.
    pub magic: String,
    /// Runs when the archive is complete.
    pub finally: String,
    /// `init`, of which local 1 is the output and 2 the most bytes of an archive; leaves where its result is.
    pub init: String,
}

impl Default for Lines {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            capabilities: 2,
            begin: text(""),
            unfinished: text("(local.set $state (i32.const 1)) (br $done)"),
            unfinished_at_end: text(""),
            consumed: text("(i32.sub (local.get $end) (local.get $at))"),
            kind: text("(i32.const 0)"),
            each: text(""),
            limit: text("(global.get $limit)"),
            needed: text("(i32.const 0)"),
            magic: text("(i32.const 0x41504d43)"),
            finally: text("(global.set $top (i32.const 65536))"),
            init: format!(
                "(global.set $limit (local.get 2)) (select (i32.const 64) (i32.const {REFUSAL}) (i32.eqz (local.get 1)))"
            ),
        }
    }
}

/// A parser of lines that only says where they are. In little space, since each item has twenty bytes and nothing else.
pub fn lines(parts: &Lines) -> Guest {
    let Lines {
        capabilities,
        begin,
        unfinished,
        unfinished_at_end,
        consumed,
        kind,
        each,
        limit,
        needed,
        magic,
        finally,
        init,
    } = parts;
    refusing(Guest::parser())
        .more(
            r#"(global $limit (mut i32) (i32.const 65536))
            (global $state (mut i32) (i32.const 0))
            (func $reserve (param $end i32)
                (block $enough
                    (br_if $enough (i32.le_u (local.get $end) (i32.mul (memory.size) (i32.const 65536))))
                    (br_if $enough (i32.ne (i32.const -1) (memory.grow
                        (i32.add (i32.const 1) (i32.sub (i32.shr_u (local.get $end) (i32.const 16)) (memory.size))))))
                    unreachable))
            (func $array (param $root i32) (param $entry i32) (param $start i32) (param $count i32)
                (i32.store (i32.add (local.get $root) (local.get $entry)) (i32.sub (local.get $start) (local.get $entry)))
                (i32.store (i32.add (local.get $root) (i32.add (local.get $entry) (i32.const 4))) (local.get $count)))"#,
        )
        .function("get-capabilities", &format!("(result i32) i32.const {capabilities}"))
        .function("init", &format!("(param i32 i32 i32 i32 i32) (result i32) {init}"))
        .function(
            "parse",
            &format!(
                r#"{PARSE} (local $at i32) (local $end i32) (local $out i32) (local $items i32) (local $state i32)
                (local.set $out (global.get $top))
                {begin}
                (block $done (loop $next
                    (br_if $done (i32.ge_u (local.get $at) (local.get $len)))
                    (local.set $state (i32.const 2))
                    (br_if $done (i32.gt_u (i32.add (local.get $items) (i32.const 92)) {limit}))
                    (local.set $state (i32.const 0))
                    (local.set $end (local.get $at))
                    (block $line
                        (loop $byte
                            (if (i32.ge_u (local.get $end) (local.get $len)) (then
                                (if (local.get $at-end) (then {unfinished_at_end}) (else {unfinished}))
                                (br $line)))
                            (local.set $end (i32.add (local.get $end) (i32.const 1)))
                            (br_if $byte (i32.ne (i32.const 10) (i32.load8_u
                                (i32.sub (i32.add (local.get $ptr) (local.get $end)) (i32.const 1)))))))
                    {each}
                    (call $reserve (i32.add (i32.add (local.get $out) (local.get $items)) (i32.const 256)))
                    (i32.store (i32.add (local.get $out) (local.get $items)) {consumed})
                    (i32.store offset=4 (i32.add (local.get $out) (local.get $items)) (i32.const 0))
                    (i32.store offset=8 (i32.add (local.get $out) (local.get $items))
                        (select (i32.const 0) {consumed} {kind}))
                    (i32.store offset=12 (i32.add (local.get $out) (local.get $items)) (i32.const 0))
                    (i32.store offset=16 (i32.add (local.get $out) (local.get $items)) {kind})
                    (local.set $items (i32.add (local.get $items) (i32.const 20)))
                    (local.set $at (local.get $end))
                    (br $next)))
                (call $reserve (i32.add (i32.add (local.get $out) (local.get $items)) (i32.const 256)))
                ;; The root; offsets of arrays count from it.
                (local.set $end (i32.add (local.get $out) (local.get $items)))
                (memory.fill (local.get $end) (i32.const 0) (i32.const 72))
                (call $array (local.get $end) (i32.const 0) (i32.sub (i32.const 0) (local.get $items)) (i32.const 0))
                (call $array (local.get $end) (i32.const 8) (i32.sub (i32.const 0) (local.get $items)) (i32.const 0))
                (call $array (local.get $end) (i32.const 16) (i32.sub (i32.const 0) (local.get $items))
                    (i32.div_u (local.get $items) (i32.const 20)))
                (call $array (local.get $end) (i32.const 24) (i32.const 0) (i32.const 0))
                (call $array (local.get $end) (i32.const 32) (i32.const 0) (i32.const 0))
                (call $array (local.get $end) (i32.const 40) (i32.const 0) (i32.const 0))
                (i32.store offset=48 (local.get $end) (local.get $state))
                (i32.store offset=52 (local.get $end)
                    (select {needed} (i32.const 0) (i32.eq (local.get $state) (i32.const 1))))
                (i32.store offset=64 (local.get $end) {magic})
                (i32.store offset=68 (local.get $end) (i32.const 1))
                (i32.store (i32.const 128) (local.get $out))
                (i32.store (i32.const 132) (i32.add (local.get $items) (i32.const 72)))
                {finally}
                i32.const 128"#
            ),
        )
}

/// What the source's functions are made of. `$asked` is a 64-bit number; `$count` is how many bytes are given.
#[derive(Debug, Clone)]
pub struct Counter {
    pub capabilities: u32,
    /// Runs before anything else in a call.
    pub begin: String,
    /// How many bytes are given, of `$left` that there are.
    pub count: String,
    /// The bytes that a call begins with.
    pub byte: String,
    /// The state, of which 1 is the end.
    pub state: String,
    /// Whether segments have a time; it is 1.
    pub timed: String,
    pub magic: String,
    pub finally: String,
}

impl Default for Counter {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            capabilities: 0,
            begin: text(""),
            count: text(
                "(select (local.get $left) (i32.wrap_i64 (local.get $asked)) (i64.gt_u (local.get $asked) (i64.extend_i32_u (local.get $left))))",
            ),
            byte: text("(i32.const 42)"),
            state: text("(i32.eqz (local.get $count))"),
            timed: text("(i32.const 0)"),
            magic: text("(i32.const 0x4f534d43)"),
            finally: text(""),
        }
    }
}

/// A source of 5000 bytes, all of them alike, for which it needs no file.
pub fn counter(parts: &Counter) -> Guest {
    source(parts).function("get-config-schemas", "(result i32) i32.const 64")
}

/// The same with an item for an input, which it does not look at.
pub fn source(parts: &Counter) -> Guest {
    let Counter {
        capabilities,
        begin,
        count,
        byte,
        state,
        timed,
        magic,
        finally,
    } = parts;
    Guest::source()
        .more("(global $given (mut i32) (i32.const 0)) (global $calls (mut i32) (i32.const 0))")
        .function(
            "get-capabilities",
            &format!("(result i32) i32.const {capabilities}"),
        )
        .function(
            "read",
            &format!(
                r#"{READ} (local $left i32) (local $count i32) (local $root i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                {begin}
                (local.set $left (i32.sub (i32.const 5000) (global.get $given)))
                (local.set $count {count})
                (global.set $given (i32.add (global.get $given) (local.get $count)))
                ;; Bytes at 32768, up to a multiple of four, a segment, the root.
                (memory.fill (i32.const 32768) (i32.const 0) (i32.const 16384))
                (memory.fill (i32.const 32768) {byte} (local.get $count))
                (local.set $root (i32.and (i32.add (local.get $count) (i32.const 32771)) (i32.const -4)))
                (i32.store (local.get $root) (local.get $count))
                (i32.store offset=8 (local.get $root) {timed})
                (i32.store offset=12 (local.get $root) {timed})
                (local.set $root (i32.add (local.get $root) (i32.const 20)))
                (i32.store (local.get $root) (i32.sub (i32.const 32768) (local.get $root)))
                (i32.store offset=4 (local.get $root) (local.get $count))
                (i32.store offset=8 (local.get $root) (i32.const -28))
                (i32.store offset=12 (local.get $root) (i32.const 1))
                (i32.store offset=16 (local.get $root) {state})
                (i32.store offset=24 (local.get $root) {magic})
                (i32.store offset=28 (local.get $root) (i32.const 1))
                (i32.store (i32.const 128) (i32.const 0))
                (i32.store (i32.const 132) (i32.const 32768))
                (i32.store (i32.const 136) (i32.sub (local.get $root) (i32.const 32736)))
                {finally}
                i32.const 128"#
            ),
        )
}

/// Has what `init` refuses with in its memory.
pub fn refusing(guest: Guest) -> Guest {
    const TEXT: &[u8] = b"only ranges";
    let result = [1, 2, REFUSAL_TEXT, TEXT.len() as u32]
        .map(u32::to_le_bytes)
        .concat();
    guest.data(REFUSAL, &result).data(REFUSAL_TEXT, TEXT)
}

/// An `init` that always refuses.
pub const REFUSES: &str = "i32.const 96";
