;; Strings: utf8 is validated; utf16 is aligned to 2 and may hold lone surrogates, which trap; latin1+utf16 says in the top bit of the
;; length which of the two it is.

(component definition $Text
  (core module $m
    (memory (export "memory") 1)
    (data (i32.const 0) "plain")
    (data (i32.const 16) "\c3\a4\e2\82\ac\f0\9f\98\80")        ;; ä€😀 in utf8
    (data (i32.const 32) "\c3")                                ;; cut off
    (data (i32.const 33) "\c0\80")                             ;; longer than it must be
    (data (i32.const 36) "\ed\a0\80")                          ;; a surrogate
    (data (i32.const 40) "\ff")                                ;; never allowed
    (data (i32.const 44) "\f4\90\80\80")                       ;; above 0x10ffff
    (data (i32.const 64) "\e4\00\ac\20\3d\d8\00\de")           ;; ä€😀 in utf16
    (data (i32.const 80) "\3d\d8\41\00")                       ;; a high surrogate alone
    (data (i32.const 84) "\00\de\41\00")                       ;; a low one
    (data (i32.const 96) "\e4\df\41")                          ;; äßA in latin1
    (func (export "at") (param i32 i32) (result i32)
      (i32.store (i32.const 512) (local.get 0)) (i32.store (i32.const 516) (local.get 1)) (i32.const 512)))
  (core instance $i (instantiate $m))
  (func (export "utf8") (param "ptr" u32) (param "len" u32) (result string)
    (canon lift (core func $i "at") (memory $i "memory") string-encoding=utf8))
  (func (export "utf16") (param "ptr" u32) (param "len" u32) (result string)
    (canon lift (core func $i "at") (memory $i "memory") string-encoding=utf16))
  (func (export "latin1") (param "ptr" u32) (param "len" u32) (result string)
    (canon lift (core func $i "at") (memory $i "memory") string-encoding=latin1+utf16)))
(component instance $I $Text)
(assert_return (invoke "utf8" (u32.const 0) (u32.const 5)) (str.const "plain"))
(assert_return (invoke "utf8" (u32.const 16) (u32.const 9)) (str.const "ä€😀"))
(assert_return (invoke "utf8" (u32.const 65536) (u32.const 0)) (str.const ""))
(assert_return (invoke "utf16" (u32.const 64) (u32.const 4)) (str.const "ä€😀"))
(assert_return (invoke "utf16" (u32.const 65536) (u32.const 0)) (str.const ""))
(assert_return (invoke "latin1" (u32.const 96) (u32.const 3)) (str.const "äßA"))
(assert_return (invoke "latin1" (u32.const 64) (u32.const 0x80000004)) (str.const "ä€😀"))
(assert_return (invoke "latin1" (u32.const 65536) (u32.const 0x80000000)) (str.const ""))

(assert_trap (invoke "utf8" (u32.const 32) (u32.const 1)) "incomplete utf-8 byte sequence")
(component instance $I $Text)
(assert_trap (invoke "utf8" (u32.const 33) (u32.const 2)) "invalid utf-8")
(component instance $I $Text)
(assert_trap (invoke "utf8" (u32.const 36) (u32.const 3)) "invalid utf-8")
(component instance $I $Text)
(assert_trap (invoke "utf8" (u32.const 40) (u32.const 1)) "invalid utf-8")
(component instance $I $Text)
(assert_trap (invoke "utf8" (u32.const 44) (u32.const 4)) "invalid utf-8")
(component instance $I $Text)
(assert_trap (invoke "utf16" (u32.const 80) (u32.const 2)) "unpaired surrogate")
(component instance $I $Text)
(assert_trap (invoke "utf16" (u32.const 84) (u32.const 2)) "unpaired surrogate")
(component instance $I $Text)
(assert_trap (invoke "latin1" (u32.const 80) (u32.const 0x80000001)) "unpaired surrogate")

;; utf16 is aligned to 2; so is latin1+utf16, whichever of the two it is.
(component instance $I $Text)
(assert_trap (invoke "utf16" (u32.const 65) (u32.const 1)) "string pointer not aligned to 2")
(component instance $I $Text)
(assert_trap (invoke "utf16" (u32.const 65) (u32.const 0)) "string pointer not aligned to 2")
(component instance $I $Text)
(assert_trap (invoke "latin1" (u32.const 65) (u32.const 0x80000001)) "string pointer not aligned to 2")
(component instance $I $Text)
(assert_trap (invoke "latin1" (u32.const 97) (u32.const 1)) "string pointer not aligned to 2")

;; The bounds are those of the bytes, not of the code units.
(component instance $I $Text)
(assert_trap (invoke "utf16" (u32.const 65534) (u32.const 2)) "string pointer/length out of bounds of memory")
(component instance $I $Text)
(assert_trap (invoke "utf16" (u32.const 0) (u32.const 0x80000000)) "string pointer/length out of bounds of memory")
(component instance $I $Text)
(assert_trap (invoke "latin1" (u32.const 65534) (u32.const 0x80000002)) "string pointer/length out of bounds of memory")

;; Lowering: what the guest gets. The bytes are added up with their places, and the length is as the encoding counts it.
(component
  (core module $m
    (memory (export "memory") 1)
    (global $align (mut i32) (i32.const 0))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $align (local.get 2))
      (if (local.get 0) (then (return (local.get 0))))
      (i32.const 1024))
    (func (export "len") (param i32 i32) (result i32) (local.get 1))
    (func (export "align") (param i32 i32) (result i32) (global.get $align))
    (func (export "first") (param i32 i32) (result i32) (i32.load (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "utf8-len") (param "s" string) (result u32)
    (canon lift (core func $i "len") (memory $i "memory") (realloc (func $i "realloc"))))
  (func (export "utf8-first") (param "s" string) (result u32)
    (canon lift (core func $i "first") (memory $i "memory") (realloc (func $i "realloc"))))
  (func (export "utf16-len") (param "s" string) (result u32)
    (canon lift (core func $i "len") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=utf16))
  (func (export "utf16-first") (param "s" string) (result u32)
    (canon lift (core func $i "first") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=utf16))
  (func (export "utf16-align") (param "s" string) (result u32)
    (canon lift (core func $i "align") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=utf16))
  (func (export "latin1-len") (param "s" string) (result u32)
    (canon lift (core func $i "len") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=latin1+utf16))
  (func (export "latin1-first") (param "s" string) (result u32)
    (canon lift (core func $i "first") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=latin1+utf16)))
(assert_return (invoke "utf8-len" (str.const "ä€😀")) (u32.const 9))
(assert_return (invoke "utf8-first" (str.const "ä€")) (u32.const 0x82e2a4c3))
(assert_return (invoke "utf16-len" (str.const "ä€😀")) (u32.const 4))
(assert_return (invoke "utf16-first" (str.const "ä€😀")) (u32.const 0x20ac00e4))
(assert_return (invoke "utf16-align" (str.const "x")) (u32.const 2))
(assert_return (invoke "latin1-len" (str.const "äßAB")) (u32.const 4))
(assert_return (invoke "latin1-first" (str.const "äßAB")) (u32.const 0x4241dfe4))
(assert_return (invoke "latin1-len" (str.const "ä€")) (u32.const 0x80000002))
(assert_return (invoke "latin1-first" (str.const "ä€")) (u32.const 0x20ac00e4))
