;; Linking: what the host offers is found by name and by semver-compatible version; what is missing or of another type is said before
;; anything runs, also where nobody refers to it.

(component
  (import "host-return-two" (func $two (result u32)))
  (import "host" (instance $host
    (export "return-three" (func (result u32)))
    (export "return-hi" (func (result string)))
    (export "nested" (instance (export "return-four" (func (result u32)))))))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
  (core instance $libc (instantiate $libc))
  (core func $two (canon lower (func $two)))
  (core func $three (canon lower (func $host "return-three")))
  (core func $four (canon lower (func $host "nested" "return-four")))
  (core func $hi (canon lower (func $host "return-hi") (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core module $m
    (import "" "memory" (memory 1))
    (import "" "two" (func $two (result i32)))
    (import "" "three" (func $three (result i32)))
    (import "" "four" (func $four (result i32)))
    (import "" "hi" (func $hi (param i32)))
    (func (export "sum") (result i32) (i32.add (call $two) (i32.add (call $three) (call $four))))
    (func (export "hi") (result i32) (call $hi (i32.const 16)) (i32.const 16)))
  (core instance $i (instantiate $m (with "" (instance
    (export "memory" (memory $libc "memory"))
    (export "two" (func $two)) (export "three" (func $three)) (export "four" (func $four)) (export "hi" (func $hi))))))
  (func (export "sum") (result u32) (canon lift (core func $i "sum")))
  (func (export "hi") (result string) (canon lift (core func $i "hi") (memory $libc "memory"))))
(assert_return (invoke "sum") (u32.const 9))
(assert_return (invoke "hi") (str.const "hi"))

;; Missing, whether it is used or not.
(assert_unlinkable (component (import "nowhere" (func))) "import nowhere (function) is not defined")
(assert_unlinkable (component (import "ns:pkg/nowhere@1.0.0" (instance (export "f" (func))))) "is not defined")
(assert_unlinkable (component (import "host" (instance (export "return-five" (func))))) "import host#return-five (function) is not defined")
(assert_unlinkable
  (component (import "host" (instance (export "nested" (instance (export "return-five" (func)))))))
  "import host#nested#return-five (function) is not defined")
(assert_unlinkable (component (import "nowhere" (core module))) "import nowhere (core module) is not defined")

;; Of another kind.
(assert_unlinkable (component (import "host" (func))) "import host is a function and is defined as a instance")
(assert_unlinkable (component (import "host-return-two" (instance))) "import host-return-two is a instance and is defined as a function")
(assert_unlinkable (component (import "host" (instance (export "return-three" (core module))))) "is a core module")

;; Of another type.
(assert_unlinkable
  (component (import "host-return-two" (func (result string))))
  "import host-return-two")
(assert_unlinkable
  (component (import "host-return-two" (func (param "x" u32) (result u32))))
  "import host-return-two")
(assert_unlinkable
  (component (import "host" (instance (export "return-hi" (func (result u32))))))
  "import host#return-hi")

;; Instances from which nothing is wanted need not be there.
(component
  (import "nowhere" (instance))
  (import "nowhere-else" (instance (export "inner" (instance))))
  (import "only-types" (instance (type $t (record (field "x" u8))) (export "t" (type (eq $t))))))

;; What a component exports under a name, others import: functions, instances inside, types, core modules.
(component $provider
  (core module $m
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 64))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $next (i32.add (global.get $next) (i32.const 64)))
      (global.get $next))
    (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func $twice (export "twice") (param "x" u32) (result u32) (canon lift (core func $i "twice")))
  (func $echo (param "s" string) (result string)
    (canon lift (core func $i "echo") (memory $i "memory") (realloc (func $i "realloc"))))
  (instance $texts (export "echo" (func $echo)))
  (export "texts" (instance $texts)))
(component $consumer
  (import "provider" (instance $provider
    (export "twice" (func (param "x" u32) (result u32)))
    (export "texts" (instance (export "echo" (func (param "s" string) (result string)))))))
  (core module $libc
    (memory (export "memory") 1)
    (data (i32.const 0) "across")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 256)))
  (core instance $libc (instantiate $libc))
  (core func $twice (canon lower (func $provider "twice")))
  (core func $echo (canon lower (func $provider "texts" "echo") (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core module $m
    (import "" "twice" (func $twice (param i32) (result i32)))
    (import "" "echo" (func $echo (param i32 i32 i32)))
    (func (export "four-times") (param i32) (result i32) (call $twice (call $twice (local.get 0))))
    (func (export "across") (result i32) (call $echo (i32.const 0) (i32.const 6) (i32.const 128)) (i32.const 128)))
  (core instance $i (instantiate $m (with "" (instance (export "twice" (func $twice)) (export "echo" (func $echo))))))
  (func (export "four-times") (param "x" u32) (result u32) (canon lift (core func $i "four-times")))
  (func (export "across") (result string) (canon lift (core func $i "across") (memory $libc "memory"))))
(assert_return (invoke "four-times" (u32.const 10)) (u32.const 40))
(assert_return (invoke "across") (str.const "across"))
(register "ns:pkg/provider@1.2.3" $provider)
;; an older and a newer patch, an older minor: one track
(component (import "ns:pkg/provider@1.2.0" (instance (export "twice" (func (param "x" u32) (result u32))))))
(component (import "ns:pkg/provider@1.9.0" (instance (export "twice" (func (param "x" u32) (result u32))))))
(assert_unlinkable
  (component (import "ns:pkg/provider@2.0.0" (instance (export "twice" (func (param "x" u32) (result u32))))))
  "is not defined")
(assert_unlinkable
  (component (import "ns:pkg/provider@0.1.2" (instance (export "twice" (func (param "x" u32) (result u32))))))
  "is not defined")
(assert_unlinkable (component (import "provider" (instance (export "thrice" (func))))) "import provider#thrice (function) is not defined")
