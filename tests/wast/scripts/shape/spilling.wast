;; Shape: at most 16 flat parameters and one flat result. What is beyond goes through memory: parameters behind one pointer that
;; `realloc` gave, results behind a return pointer.

;; Sixteen parameters are still flat; each is multiplied by its place, so that none can be swapped.
(component
  (core module $m
    (func (export "sum")
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
      (i32.add (local.get 0) (i32.add (i32.mul (i32.const 10) (local.get 7)) (i32.mul (i32.const 100) (local.get 15))))))
  (core instance $i (instantiate $m))
  (type $four (tuple u32 u32 u32 u32))
  (func (export "sum") (param "a" $four) (param "b" $four) (param "c" $four) (param "d" $four) (result u32)
    (canon lift (core func $i "sum"))))
(assert_return
  (invoke "sum"
    (tuple.const (u32.const 1) (u32.const 0) (u32.const 0) (u32.const 0))
    (tuple.const (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 2))
    (tuple.const (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 0))
    (tuple.const (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 3)))
  (u32.const 321))

;; The seventeenth makes all of them spill. They lie as a tuple: the u8 in front is followed by padding.
(component
  (core module $m
    (memory (export "memory") 1)
    (global $calls (mut i32) (i32.const 0))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (if (i32.ne (local.get $old) (i32.const 0)) (then unreachable))
      (if (i32.ne (local.get $old-size) (i32.const 0)) (then unreachable))
      (if (i32.ne (local.get $align) (i32.const 4)) (then unreachable))
      (if (i32.ne (local.get $size) (i32.const 68)) (then unreachable))
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (i32.const 64))
    (func (export "last") (param i32) (result i32)
      (if (i32.ne (local.get 0) (i32.const 64)) (then unreachable))
      (if (i32.ne (global.get $calls) (i32.const 1)) (then unreachable))
      (if (i32.ne (i32.load8_u (local.get 0)) (i32.const 200)) (then unreachable))
      (i32.add
        (i32.mul (i32.const 100) (i32.load offset=4 (local.get 0)))
        (i32.load offset=64 (local.get 0)))))
  (core instance $i (instantiate $m))
  (type $four (tuple u32 u32 u32 u32))
  (func (export "last")
    (param "x" u8) (param "a" $four) (param "b" $four) (param "c" $four) (param "d" $four) (result u32)
    (canon lift (core func $i "last") (memory $i "memory") (realloc (func $i "realloc")))))
(assert_return
  (invoke "last" (u8.const 200)
    (tuple.const (u32.const 7) (u32.const 0) (u32.const 0) (u32.const 0))
    (tuple.const (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 0))
    (tuple.const (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 0))
    (tuple.const (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 42)))
  (u32.const 742))

;; One flat result stays flat, also inside a record; two go through memory.
(component
  (core module $m
    (memory (export "memory") 1)
    (data (i32.const 16) "\01\00\00\00\02\00\00\00\03\00\00\00\00\00\00\00\04\00\00\00\00\00\00\00")
    (func (export "one") (result i32) (i32.const 5))
    (func (export "at-16") (result i32) (i32.const 16)))
  (core instance $i (instantiate $m))
  (type $one' (record (field "only" u32)))
  (export $one "one-t" (type $one'))
  (type $three' (record (field "a" u32) (field "b" u16) (field "c" u64) (field "d" u8)))
  (export $three "three-t" (type $three'))
  (func (export "one") (result $one) (canon lift (core func $i "one")))
  (func (export "two") (result (tuple u32 u32)) (canon lift (core func $i "at-16") (memory $i "memory")))
  (func (export "three") (result $three) (canon lift (core func $i "at-16") (memory $i "memory"))))
(assert_return (invoke "one") (record.const (field "only" u32.const 5)))
(assert_return (invoke "two") (tuple.const (u32.const 1) (u32.const 2)))
(assert_return (invoke "three")
  (record.const
    (field "a" u32.const 1) (field "b" u16.const 2) (field "c" u64.const 3) (field "d" u8.const 4)))

;; The return pointer of an import comes from the caller, as its last parameter, behind spilled parameters as well.
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 512))
      (func (export "f") (param i32) (result i32)
        (i32.store (i32.const 32) (i32.load (local.get 0)))
        (i32.store (i32.const 36) (i32.load offset=64 (local.get 0)))
        (i32.const 32)))
    (core instance $i (instantiate $m))
    (type $four (tuple u32 u32 u32 u32))
    (func (export "f")
      (param "a" $four) (param "b" $four) (param "c" $four) (param "d" $four) (param "e" u32) (result (tuple u32 u32))
      (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")))))
  (component $caller
    (type $four (tuple u32 u32 u32 u32))
    (import "f" (func $f
      (param "a" $four) (param "b" $four) (param "c" $four) (param "d" $four) (param "e" u32) (result (tuple u32 u32))))
    (core module $memory (memory (export "memory") 1))
    (core instance $memory (instantiate $memory))
    (core func $f (canon lower (func $f) (memory $memory "memory")))
    (core module $m
      (import "" "memory" (memory 1))
      (import "" "f" (func $f (param i32 i32)))
      (func (export "run") (result i32)
        (i32.store (i32.const 128) (i32.const 30))
        (i32.store (i32.const 192) (i32.const 12))
        (call $f (i32.const 128) (i32.const 1024))
        (i32.add (i32.load (i32.const 1024)) (i32.load (i32.const 1028)))))
    (core instance $i (instantiate $m
      (with "" (instance (export "memory" (memory $memory "memory")) (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
(assert_return (invoke "run") (u32.const 42))
