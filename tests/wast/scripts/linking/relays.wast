;; Linking: functions, modules and components handed on without being touched: an import lifted again, instances inside instances, modules
;; whose imports and exports are in another order than wanted, aliases of aliases.

;; lowered and lifted again, with another sign
(component
  (import "host-return-two" (func $f (result u32)))
  (core func $lowered (canon lower (func $f)))
  (func $again (result s32) (canon lift (core func $lowered)))
  (export "f" (func $again)))
(assert_return (invoke "f") (s32.const 2))

;; lifted and lowered, and nobody calls it
(component
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (core func (canon lower (func $f))))

;; arguments that nobody asked for
(component
  (component $c)
  (core module $m)
  (instance (instantiate $c (with "x" (component $c)) (with "y" (core module $m)))))

;; a host function through an instance of one component into another
(component
  (import "host-return-two" (func $two (result u32)))
  (component $relay (import "in" (func $f (result u32))) (export "out" (func $f)))
  (instance $relay (instantiate $relay (with "in" (func $two))))
  (component $user
    (import "api" (instance $api (export "number" (func (result u32)))))
    (core func $number (canon lower (func $api "number")))
    (core module $m (import "" "n" (func $n (result i32))) (func (export "run") (result i32) (i32.add (call $n) (call $n))))
    (core instance $i (instantiate $m (with "" (instance (export "n" (func $number))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $user (instantiate $user (with "api" (instance (export "number" (func $relay "out"))))))
  (export "run" (func $user "run")))
(assert_return (invoke "run") (u32.const 4))

;; imports and exports of a module in another order than its type has them
(component
  (component $inner
    (import "m" (core module $m
      (import "" "c" (global i32)) (import "" "a" (global i32)) (import "" "b" (global i32))
      (export "y" (func (result i32))) (export "x" (func (result i32)))))
    (core module $numbers
      (global (export "b") i32 (i32.const 20)) (global (export "c") i32 (i32.const 300)) (global (export "a") i32 (i32.const 1)))
    (core instance $numbers (instantiate $numbers))
    (core instance $m (instantiate $m (with "" (instance $numbers))))
    (func (export "x") (result u32) (canon lift (core func $m "x")))
    (func (export "y") (result u32) (canon lift (core func $m "y"))))
  (core module $m
    (import "" "a" (global $a i32)) (import "" "b" (global $b i32)) (import "" "c" (global $c i32))
    (func (export "x") (result i32) (i32.sub (global.get $c) (i32.add (global.get $a) (global.get $b))))
    (func (export "more"))
    (func (export "y") (result i32) (global.get $a)))
  (instance $i (instantiate $inner (with "m" (core module $m))))
  (export "x" (func $i "x"))
  (export "y" (func $i "y")))
(assert_return (invoke "x") (u32.const 279))
(assert_return (invoke "y") (u32.const 1))

;; a component that closes over the module it was given, and is instantiated outside of it
(component
  (component $wrap
    (import "m" (core module $m (export "n" (global i32))))
    (component (export "inner") (export "m" (core module $m))))
  (core module $one (global (export "n") i32 (i32.const 1)))
  (core module $two (global (export "n") i32 (i32.const 2)))
  (instance $a (instantiate $wrap (with "m" (core module $one))))
  (instance $b (instantiate $wrap (with "m" (core module $two))))
  (instance $a' (instantiate (component $a "inner")))
  (instance $b' (instantiate (component $b "inner")))
  (core instance $one (instantiate (module $a' "m")))
  (core instance $two (instantiate (module $b' "m")))
  (core module $m
    (import "one" "n" (global $one i32))
    (import "two" "n" (global $two i32))
    (func (export "run") (result i32) (i32.add (i32.mul (global.get $one) (i32.const 10)) (global.get $two))))
  (core instance $m (instantiate $m (with "one" (instance $one)) (with "two" (instance $two))))
  (func (export "run") (result u32) (canon lift (core func $m "run"))))
(assert_return (invoke "run") (u32.const 12))

;; instances exported and aliased through three levels
(component
  (component $a
    (component $b
      (component $c
        (core module $m (func (export "f") (result i32) (i32.const 3)))
        (core instance $i (instantiate $m))
        (func (export "f") (result u32) (canon lift (core func $i "f"))))
      (instance $c (instantiate $c))
      (export "c" (instance $c)))
    (instance $b (instantiate $b))
    (export "b" (instance $b)))
  (instance $a (instantiate $a))
  (alias export $a "b" (instance $b))
  (alias export $b "c" (instance $c))
  (alias export $c "f" (func $f))
  (export "f" (func $f)))
(assert_return (invoke "f") (u32.const 3))

;; an instance without a component: types, modules and functions put together
(component $mixed
  (core module $m (func (export "f") (result i32) (i32.const 8)))
  (core instance $i (instantiate $m))
  (func $f (result u32) (canon lift (core func $i "f")))
  (type $t (record (field "x" u8)))
  (export $t' "t" (type $t))
  (instance $all (export "m" (core module $m)) (export "f" (func $f)) (export "t" (type $t')))
  (export "all" (instance $all)))
(component
  (import "mixed" (instance $mixed
    (export "all" (instance
      (export "m" (core module (export "f" (func (result i32)))))
      (export "f" (func (result u32)))))))
  (alias export $mixed "all" (instance $all))
  (core instance $m (instantiate (module $all "m")))
  (core func $f (canon lower (func $all "f")))
  (core module $n
    (import "a" "f" (func $a (result i32)))
    (import "b" "f" (func $b (result i32)))
    (func (export "run") (result i32) (i32.add (call $a) (call $b))))
  (core instance $n (instantiate $n (with "a" (instance $m)) (with "b" (instance (export "f" (func $f))))))
  (func (export "run") (result u32) (canon lift (core func $n "run"))))
(assert_return (invoke "run") (u32.const 16))

;; tags in the type of a module
(component $tagged (core module (export "m") (tag (export "t") (param i32))))
(component (import "tagged" (instance (export "m" (core module (export "t" (tag (param i32))))))))
(assert_unlinkable
  (component (import "tagged" (instance (export "m" (core module (export "t" (tag (param i64))))))))
  "tagged#m")
