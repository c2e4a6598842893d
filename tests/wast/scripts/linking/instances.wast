;; Linking: several core modules, their imports renamed and gathered from several instances; tables that another module fills (shim and
;; fixup); nested components, outer aliases, instances exported and exported again.

;; Everything that a core module can import, from one place and from several.
(component
  (core module $a
    (func (export "f") (result i32) (i32.const 7))
    (table (export "t") 2 funcref)
    (memory (export "m") 1)
    (global (export "g") (mut i32) (i32.const 5)))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $a))
  (core module $user
    (import "x" "one" (func $one (result i32)))
    (import "x" "two" (table $t 2 funcref))
    (import "y" "three" (memory 1))
    (import "y" "four" (global $g (mut i32)))
    (func (export "run") (result i32)
      (i32.store (i32.const 0) (call $one))
      (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (i32.add (i32.load (i32.const 0)) (global.get $g))))
  (core instance $user (instantiate $user
    (with "x" (instance (export "one" (func $a "f")) (export "two" (table $b "t"))))
    (with "y" (instance (export "three" (memory $b "m")) (export "four" (global $a "g"))))))
  (func (export "run") (result u32) (canon lift (core func $user "run"))))
(assert_return (invoke "run") (u32.const 13))
(assert_return (invoke "run") (u32.const 14))

;; A shim stands in for a lowered import that needs the memory of the very module that imports it; a fixup fills its table afterwards.
(component
  (import "host" (instance $host (export "return-hi" (func (result string)))))
  (core module $main
    (import "host" "hi" (func $hi (param i32)))
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 128))
    (func (export "run") (result i32) (call $hi (i32.const 16)) (i32.const 16)))
  (core module $shim
    (type $t (func (param i32)))
    (table (export "$imports") 1 1 funcref)
    (func (export "0") (param i32) (call_indirect (type $t) (local.get 0) (i32.const 0))))
  (core module $fixup
    (import "" "0" (func $f (param i32)))
    (import "" "$imports" (table 1 1 funcref))
    (elem (i32.const 0) $f))
  (core instance $shim (instantiate $shim))
  (core instance $main (instantiate $main (with "host" (instance (export "hi" (func $shim "0"))))))
  (core func $hi (canon lower (func $host "return-hi") (memory $main "memory") (realloc (func $main "realloc"))))
  (core instance (instantiate $fixup
    (with "" (instance (export "0" (func $hi)) (export "$imports" (table $shim "$imports"))))))
  (func (export "run") (result string) (canon lift (core func $main "run") (memory $main "memory"))))
(assert_return (invoke "run") (str.const "hi"))

;; Two modules that share a memory and a table, and call each other through it.
(component
  (core module $libc
    (memory (export "memory") 1)
    (table (export "table") 4 funcref)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc))
  (core module $lib
    (import "env" "memory" (memory 1))
    (import "env" "table" (table 4 funcref))
    (type $t (func (param i32) (result i32)))
    (elem (i32.const 1) $length)
    (func $length (param i32) (result i32)
      (local $n i32)
      (block $end (loop $next
        (br_if $end (i32.eqz (i32.load8_u (i32.add (local.get 0) (local.get $n)))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next)))
      (local.get $n)))
  (core module $app
    (import "env" "memory" (memory 1))
    (import "env" "table" (table 4 funcref))
    (type $t (func (param i32) (result i32)))
    (data (i32.const 100) "seven.!")
    (func (export "run") (result i32) (call_indirect (type $t) (i32.const 100) (i32.const 1))))
  (core instance (instantiate $lib (with "env" (instance $libc))))
  (core instance $app (instantiate $app (with "env" (instance $libc))))
  (func (export "run") (result u32) (canon lift (core func $app "run"))))
(assert_return (invoke "run") (u32.const 7))

;; Nested components see what is outside of them only as static things; each instantiation is one of its own.
(component $outer
  (core module $number (global (export "n") i32 (i32.const 30)))
  (component $adder
    (alias outer $outer $number (core module $number))
    (import "add" (core module $add (export "n" (global i32))))
    (core instance $number (instantiate $number))
    (core instance $add (instantiate $add))
    (core module $m
      (import "a" "n" (global $a i32))
      (import "b" "n" (global $b i32))
      (func (export "sum") (result i32) (i32.add (global.get $a) (global.get $b))))
    (core instance $m (instantiate $m (with "a" (instance $number)) (with "b" (instance $add))))
    (func (export "sum") (result u32) (canon lift (core func $m "sum"))))
  (core module $twelve (global (export "n") i32 (i32.const 12)))
  (instance $i (instantiate $adder (with "add" (core module $twelve))))
  (instance $j (instantiate $adder (with "add" (core module $number))))
  (export "twelve" (func $i "sum"))
  (export "thirty" (func $j "sum"))
  (export "whole" (instance $i)))
(assert_return (invoke "twelve") (u32.const 42))
(assert_return (invoke "thirty") (u32.const 60))

;; A component given to a component, and instantiated there, twice.
(component
  (component $counter
    (core module $m
      (global $n (mut i32) (i32.const 0))
      (func (export "f") (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1)))
        (global.get $n)))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (component $twice
    (import "c" (component $c (export "f" (func (result u32)))))
    (instance $a (instantiate $c))
    (instance $b (instantiate $c))
    (export "a" (func $a "f"))
    (export "b" (func $b "f")))
  (instance $i (instantiate $twice (with "c" (component $counter))))
  (export "a" (func $i "a"))
  (export "b" (func $i "b")))
(assert_return (invoke "a") (u32.const 1))
(assert_return (invoke "a") (u32.const 2))
(assert_return (invoke "b") (u32.const 1))

;; Start functions run in order, before anything can be called.
(component
  (core module $log (global (export "log") (mut i32) (i32.const 0)))
  (core instance $log (instantiate $log))
  (core module $first
    (import "" "log" (global $log (mut i32)))
    (func $start (global.set $log (i32.add (i32.mul (global.get $log) (i32.const 10)) (i32.const 1))))
    (start $start))
  (core module $second
    (import "" "log" (global $log (mut i32)))
    (func $start (global.set $log (i32.add (i32.mul (global.get $log) (i32.const 10)) (i32.const 2))))
    (start $start)
    (func (export "log") (result i32) (global.get $log)))
  (core instance (instantiate $first (with "" (instance $log))))
  (core instance $second (instantiate $second (with "" (instance $log))))
  (core instance (instantiate $first (with "" (instance $log))))
  (func (export "log") (result u32) (canon lift (core func $second "log"))))
(assert_return (invoke "log") (u32.const 121))

;; Interfaces by what they implement.
(component
  (component
    (import "primary" (implements "ns:store/kv") (instance (export "get" (func))))
    (import "backup" (implements "ns:store/kv") (instance (export "get" (func)))))
  (instance $none)
  (export "main" (implements "ns:store/kv@1.0.0") (instance $none)))

;; Core modules may use what core WebAssembly has by now: several memories, bulk operations, relaxed SIMD, constant expressions.
(component
  (core module $m
    (memory $a 1)
    (memory $b 1)
    (data $b (memory $b) (i32.const 0) "\2a")
    (global $g i32 (i32.add (i32.const 40) (i32.const 2)))
    (func (export "memories") (result i32)
      (memory.copy $a $b (i32.const 8) (i32.const 0) (i32.const 1))
      (i32.load8_u $a (i32.const 8)))
    (func (export "constant") (result i32) (global.get $g))
    (func (export "simd") (result i32)
      (i8x16.extract_lane_u 0
        (i8x16.relaxed_swizzle (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 42) (i8x16.splat (i32.const 15))))))
  (core instance $i (instantiate $m))
  (func (export "memories") (result u32) (canon lift (core func $i "memories")))
  (func (export "constant") (result u32) (canon lift (core func $i "constant")))
  (func (export "simd") (result u32) (canon lift (core func $i "simd"))))
(assert_return (invoke "memories") (u32.const 42))
(assert_return (invoke "constant") (u32.const 42))
(assert_return (invoke "simd") (u32.const 42))
