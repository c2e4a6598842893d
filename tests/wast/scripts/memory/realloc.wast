;; Memory: what `realloc` returns is checked like any pointer, for nothing at all, too. It is called with old pointer 0 and old size 0 for
;; new room. It may grow memory: no view of memory may be kept across it.

(component definition $Realloc
  (core module $m
    (memory (export "memory") 1)
    (global $answer (mut i32) (i32.const 0))
    (global $grow (mut i32) (i32.const 0))
    (global $log (mut i32) (i32.const 0))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (if (i32.or (local.get $old) (local.get $old-size)) (then unreachable))
      (global.set $log (i32.add (i32.mul (global.get $log) (i32.const 100)) (local.get $size)))
      (if (global.get $grow) (then
        (drop (memory.grow (global.get $grow)))
        ;; everything below the new end moves there
        (global.set $grow (i32.const 0))
        (return (i32.sub (i32.mul (memory.size) (i32.const 65536)) (local.get $size)))))
      (global.get $answer))
    (func (export "will-answer") (param i32) (global.set $answer (local.get 0)))
    (func (export "will-grow") (param i32) (global.set $grow (local.get 0)))
    (func (export "sizes") (result i32) (global.get $log))
    (func (export "sum") (param i32 i32) (result i32)
      (local $sum i32)
      (block $end
        (loop $next
          (br_if $end (i32.eqz (local.get 1)))
          (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
          (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.add (local.get 0) (local.get 1)))))
          (br $next)))
      (local.get $sum))
    (func (export "second") (param i32 i32) (result i32) (i32.load offset=4 (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "will-answer") (param "ptr" u32) (canon lift (core func $i "will-answer")))
  (func (export "will-grow") (param "pages" u32) (canon lift (core func $i "will-grow")))
  (func (export "sizes") (result u32) (canon lift (core func $i "sizes")))
  (func (export "bytes") (param "v" (list u8)) (result u32)
    (canon lift (core func $i "sum") (memory $i "memory") (realloc (func $i "realloc"))))
  (func (export "text") (param "v" string) (result u32)
    (canon lift (core func $i "sum") (memory $i "memory") (realloc (func $i "realloc"))))
  (func (export "words") (param "v" (list u32)) (result u32)
    (canon lift (core func $i "second") (memory $i "memory") (realloc (func $i "realloc")))))

(component instance $I $Realloc)
(assert_return (invoke "will-answer" (u32.const 1024)))
(assert_return (invoke "bytes" (list.const (u8.const 40) (u8.const 2))) (u32.const 42))
(assert_return (invoke "text" (str.const "A!")) (u32.const 98))
(assert_return (invoke "words" (list.const (u32.const 6) (u32.const 7))) (u32.const 7))
(assert_return (invoke "sizes") (u32.const 20208))

;; It grows memory in the middle of lowering.
(component instance $I $Realloc)
(assert_return (invoke "will-grow" (u32.const 3)))
(assert_return (invoke "bytes" (list.const (u8.const 40) (u8.const 2))) (u32.const 42))
(assert_return (invoke "will-grow" (u32.const 40)))
(assert_return (invoke "words" (list.const (u32.const 6) (u32.const 7))) (u32.const 7))

;; At the very end of memory there is room for nothing; one further there is not.
(component instance $I $Realloc)
(assert_return (invoke "will-answer" (u32.const 65536)))
(assert_return (invoke "bytes" (list.const)) (u32.const 0))
(assert_trap (invoke "bytes" (list.const (u8.const 1))) "realloc return: beyond end of memory")
(component instance $I $Realloc)
(assert_return (invoke "will-answer" (u32.const 65537)))
(assert_trap (invoke "bytes" (list.const)) "realloc return: beyond end of memory")
(component instance $I $Realloc)
(assert_return (invoke "will-answer" (u32.const 65537)))
(assert_trap (invoke "text" (str.const "")) "realloc return: beyond end of memory")
(component instance $I $Realloc)
(assert_return (invoke "will-answer" (u32.const 0xffffffff)))
(assert_trap (invoke "text" (str.const "ab")) "realloc return: beyond end of memory")
(component instance $I $Realloc)
(assert_return (invoke "will-answer" (u32.const 1026)))
(assert_trap (invoke "words" (list.const (u32.const 1) (u32.const 2))) "realloc return: result not aligned")
(component instance $I $Realloc)
(assert_return (invoke "will-answer" (u32.const 1025)))
(assert_trap (invoke "words" (list.const)) "realloc return: result not aligned")

;; It traps by itself: the message is its own.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
    (func (export "f") (param i32 i32)))
  (core instance $i (instantiate $m))
  (func (export "f") (param "v" (list u8))
    (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")))))
(assert_trap (invoke "f" (list.const)) "integer divide by zero")

;; A callee that grows its memory while it works does not disturb what its caller gave or gets.
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 256))
      (func (export "f") (param i32 i32) (result i32)
        (local $to i32)
        (local.set $to (i32.mul (memory.grow (i32.const 100)) (i32.const 65536)))
        (memory.copy (local.get $to) (local.get 0) (local.get 1))
        (i32.store (i32.const 16) (local.get $to))
        (i32.store (i32.const 20) (local.get 1))
        (i32.const 16)))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result string)
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")))))
  (component $caller
    (import "f" (func $f (param "s" string) (result string)))
    (core module $libc
      (memory (export "memory") 1)
      (data (i32.const 8) "to and fro")
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (i32.mul (memory.grow (i32.const 1)) (i32.const 65536))))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory $libc "memory") (realloc (func $libc "realloc"))))
    (core module $m
      (import "" "f" (func $f (param i32 i32 i32)))
      (func (export "run") (result i32)
        (call $f (i32.const 8) (i32.const 10) (i32.const 512))
        (i32.const 512)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result string) (canon lift (core func $i "run") (memory $libc "memory"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_return (invoke "run") (str.const "to and fro"))
