;; Strings between components, when the first guess of their size was wrong: `realloc` is called again with what it gave and how much that was, to
;; grow or to shrink, and what it gives then is checked as well.

;; utf8 to utf16: twice the bytes at first, what is needed in the end
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 8))
          (return (i32.const 8))))
        (if (i32.eq (global.get $calls) (i32.const 2)) (then
          (call $expect (local.get 0) (i32.const 8))
          (call $expect (local.get 1) (i32.const 8))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 4))
          (return (i32.const 16))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=utf16)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "äö"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=utf8))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 4))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_return (invoke "run") (u32.const 1602))

;; ... which must be aligned
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 8))
          (return (i32.const 8))))
        (if (i32.eq (global.get $calls) (i32.const 2)) (then
          (call $expect (local.get 0) (i32.const 8))
          (call $expect (local.get 1) (i32.const 8))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 4))
          (return (i32.const 17))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=utf16)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "äö"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=utf8))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 4))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_trap (invoke "run") "unaligned pointer")

;; ... and in bounds
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 8))
          (return (i32.const 8))))
        (if (i32.eq (global.get $calls) (i32.const 2)) (then
          (call $expect (local.get 0) (i32.const 8))
          (call $expect (local.get 1) (i32.const 8))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 4))
          (return (i32.const 65534))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=utf16)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "äö"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=utf8))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 4))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_trap (invoke "run") "string content out-of-bounds")

;; utf8 to utf16: what fits is not asked for again
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 4))
          (return (i32.const 8))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=utf16)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "ab"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=utf8))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 2))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_return (invoke "run") (u32.const 802))

;; utf16 to utf8: a byte a unit at first, three in the worst case, what is needed in the end
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 1))
          (call $expect (local.get 3) (i32.const 2))
          (return (i32.const 8))))
        (if (i32.eq (global.get $calls) (i32.const 2)) (then
          (call $expect (local.get 0) (i32.const 8))
          (call $expect (local.get 1) (i32.const 2))
          (call $expect (local.get 2) (i32.const 1))
          (call $expect (local.get 3) (i32.const 6))
          (return (i32.const 16))))
        (if (i32.eq (global.get $calls) (i32.const 3)) (then
          (call $expect (local.get 0) (i32.const 16))
          (call $expect (local.get 1) (i32.const 6))
          (call $expect (local.get 2) (i32.const 1))
          (call $expect (local.get 3) (i32.const 3))
          (return (i32.const 24))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=utf8)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "\61\00\e4\00"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=utf16))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 2))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_return (invoke "run") (u32.const 2403))

;; utf8 to latin1+utf16: a byte a byte at first, what is needed in the end
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 2))
          (return (i32.const 8))))
        (if (i32.eq (global.get $calls) (i32.const 2)) (then
          (call $expect (local.get 0) (i32.const 8))
          (call $expect (local.get 1) (i32.const 2))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 1))
          (return (i32.const 16))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=latin1+utf16)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "ä"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=utf8))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 2))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_return (invoke "run") (u32.const 1601))

;; ... aligned, even for one byte
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 2))
          (return (i32.const 8))))
        (if (i32.eq (global.get $calls) (i32.const 2)) (then
          (call $expect (local.get 0) (i32.const 8))
          (call $expect (local.get 1) (i32.const 2))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 1))
          (return (i32.const 17))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=latin1+utf16)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "ä"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=utf8))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 2))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_trap (invoke "run") "unaligned pointer")

;; utf8 to latin1+utf16: it is not latin1 after all
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 5))
          (return (i32.const 8))))
        (if (i32.eq (global.get $calls) (i32.const 2)) (then
          (call $expect (local.get 0) (i32.const 8))
          (call $expect (local.get 1) (i32.const 5))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 10))
          (return (i32.const 16))))
        (if (i32.eq (global.get $calls) (i32.const 3)) (then
          (call $expect (local.get 0) (i32.const 16))
          (call $expect (local.get 1) (i32.const 10))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 4))
          (return (i32.const 32))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=latin1+utf16)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "ä€"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=utf8))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 5))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_return (invoke "run") (u32.const 2147486850))

;; ... and the second room is not in memory
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 5))
          (return (i32.const 8))))
        (if (i32.eq (global.get $calls) (i32.const 2)) (then
          (call $expect (local.get 0) (i32.const 8))
          (call $expect (local.get 1) (i32.const 5))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 10))
          (return (i32.const 65530))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=latin1+utf16)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "ä€"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=utf8))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 5))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_trap (invoke "run") "string content out-of-bounds")

;; ... or the third is not aligned
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 5))
          (return (i32.const 8))))
        (if (i32.eq (global.get $calls) (i32.const 2)) (then
          (call $expect (local.get 0) (i32.const 8))
          (call $expect (local.get 1) (i32.const 5))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 10))
          (return (i32.const 16))))
        (if (i32.eq (global.get $calls) (i32.const 3)) (then
          (call $expect (local.get 0) (i32.const 16))
          (call $expect (local.get 1) (i32.const 10))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 4))
          (return (i32.const 33))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=latin1+utf16)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "ä€"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=utf8))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 5))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_trap (invoke "run") "unaligned pointer")

;; utf16 in latin1+utf16 to latin1+utf16: it turns out to be latin1
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 4))
          (return (i32.const 8))))
        (if (i32.eq (global.get $calls) (i32.const 2)) (then
          (call $expect (local.get 0) (i32.const 8))
          (call $expect (local.get 1) (i32.const 4))
          (call $expect (local.get 2) (i32.const 2))
          (call $expect (local.get 3) (i32.const 2))
          (return (i32.const 16))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=latin1+utf16)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "\41\00\42\00"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=latin1+utf16))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 2147483650))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_return (invoke "run") (u32.const 1602))

;; latin1 to utf8: it needs more
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (global $calls (mut i32) (i32.const 0))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (i32.eq (global.get $calls) (i32.const 1)) (then
          (call $expect (local.get 0) (i32.const 0))
          (call $expect (local.get 1) (i32.const 0))
          (call $expect (local.get 2) (i32.const 1))
          (call $expect (local.get 3) (i32.const 2))
          (return (i32.const 8))))
        (if (i32.eq (global.get $calls) (i32.const 2)) (then
          (call $expect (local.get 0) (i32.const 8))
          (call $expect (local.get 1) (i32.const 2))
          (call $expect (local.get 2) (i32.const 1))
          (call $expect (local.get 3) (i32.const 4))
          (return (i32.const 16))))
        (if (i32.eq (global.get $calls) (i32.const 3)) (then
          (call $expect (local.get 0) (i32.const 16))
          (call $expect (local.get 1) (i32.const 4))
          (call $expect (local.get 2) (i32.const 1))
          (call $expect (local.get 3) (i32.const 3))
          (return (i32.const 24))))
        (i32.div_u (i32.const 1) (i32.const 0)))
      (func (export "f") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")) string-encoding=utf8)))
  (component $caller
    (import "f" (func $f (param "s" string) (result u32)))
    (core module $libc (memory (export "memory") 1) (data (i32.const 0) "a\e4"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") string-encoding=latin1+utf16))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 0) (i32.const 2))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_return (invoke "run") (u32.const 2403))
