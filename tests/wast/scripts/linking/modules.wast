;; Linking: core modules are imported and exported. One that is offered may export more and import less than what is wanted; limits may be
;; wider; everything else must be the same.

(component
  (import "host" (instance $host (export "simple-module" (core module (export "f" (func (result i32))) (export "g" (global i32))))))
  (core instance $simple (instantiate (module $host "simple-module")))
  (core module $m
    (import "simple" "f" (func $f (result i32)))
    (import "simple" "g" (global $g i32))
    (func (export "sum") (result i32) (i32.add (call $f) (global.get $g))))
  (core instance $i (instantiate $m (with "simple" (instance $simple))))
  (func (export "sum") (result u32) (canon lift (core func $i "sum"))))
(assert_return (invoke "sum") (u32.const 201))

(component $offers
  (core module (export "plain") (func (export "f") (result i32) (i32.const 1)) (func (export "more")))
  (core module (export "needy") (import "env" "f" (func)) (func (export "g")))
  (core module (export "memory") (memory (export "m") 2 4) (table (export "t") 3 funcref) (global (export "g") (mut i64) (i64.const 0))))

(component (import "offers" (instance (export "plain" (core module)))))
(component (import "offers" (instance (export "plain" (core module (export "f" (func (result i32))))))))
(component (import "offers" (instance (export "needy" (core module (import "env" "f" (func)) (import "env" "g" (func)))))))
(component (import "offers" (instance (export "memory" (core module
  (export "m" (memory 1 5)) (export "t" (table 2 funcref)) (export "g" (global (mut i64))))))))
(assert_unlinkable
  (component (import "offers" (instance (export "plain" (core module (export "h" (func)))))))
  "offers#plain")
(assert_unlinkable
  (component (import "offers" (instance (export "plain" (core module (export "f" (func)))))))
  "offers#plain")
(assert_unlinkable
  (component (import "offers" (instance (export "plain" (core module (export "f" (global i32)))))))
  "offers#plain")
(assert_unlinkable
  (component (import "offers" (instance (export "needy" (core module)))))
  "offers#needy")
(assert_unlinkable
  (component (import "offers" (instance (export "needy" (core module (import "env" "f" (func (param i32))))))))
  "offers#needy")
(assert_unlinkable
  (component (import "offers" (instance (export "memory" (core module (export "m" (memory 3)))))))
  "offers#memory")
(assert_unlinkable
  (component (import "offers" (instance (export "memory" (core module (export "m" (memory 1 3)))))))
  "offers#memory")
(assert_unlinkable
  (component (import "offers" (instance (export "memory" (core module (export "t" (table 3 externref)))))))
  "offers#memory")
(assert_unlinkable
  (component (import "offers" (instance (export "memory" (core module (export "g" (global i64)))))))
  "offers#memory")

;; A module that was imported is exported again, and found there by the next.
(component $relays
  (import "offers" (instance $offers (export "plain" (core module (export "f" (func (result i32)))))))
  (core module $own (func (export "f") (result i32) (i32.const 41)))
  (export "theirs" (core module $offers "plain"))
  (export "own" (core module $own)))
(component
  (core type $t (module (export "f" (func (result i32)))))
  (import "relays" (instance $relays (export "theirs" (core module (type $t))) (export "own" (core module (type $t)))))
  (core instance $theirs (instantiate (module $relays "theirs")))
  (core instance $own (instantiate (module $relays "own")))
  (core module $m
    (import "theirs" "f" (func $theirs (result i32)))
    (import "own" "f" (func $own (result i32)))
    (func (export "sum") (result i32) (i32.add (call $theirs) (call $own))))
  (core instance $i (instantiate $m (with "theirs" (instance $theirs)) (with "own" (instance $own))))
  (func (export "sum") (result u32) (canon lift (core func $i "sum"))))
(assert_return (invoke "sum") (u32.const 42))

;; A module handed to an inner component, which gives it its imports; twice, so that two instances have two memories.
(component
  (component $inner
    (import "m" (core module $m (import "env" "start" (global i32)) (export "next" (func (result i32)))))
    (import "start" (core module $start (export "start" (global i32))))
    (core instance $start (instantiate $start))
    (core instance $m (instantiate $m (with "env" (instance $start))))
    (func (export "next") (result u32) (canon lift (core func $m "next"))))
  (core module $counter
    (import "env" "start" (global $start i32))
    (global $n (mut i32) (i32.const 0))
    (func (export "next") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (i32.add (global.get $start) (global.get $n))))
  (core module $ten (global (export "start") i32 (i32.const 10)))
  (core module $twenty (global (export "start") i32 (i32.const 20)))
  (instance $a (instantiate $inner (with "m" (core module $counter)) (with "start" (core module $ten))))
  (instance $b (instantiate $inner (with "m" (core module $counter)) (with "start" (core module $twenty))))
  (export "a" (func $a "next"))
  (export "b" (func $b "next")))
(assert_return (invoke "a") (u32.const 11))
(assert_return (invoke "a") (u32.const 12))
(assert_return (invoke "b") (u32.const 21))
(assert_return (invoke "a") (u32.const 13))
