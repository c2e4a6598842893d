;; Resources: the destructor runs in the defining instance, with the representation, when an owned handle is dropped, by whomever; not for
;; borrows, and not when a handle is passed on.

;; The destructor reaches what the component imports: it is a call like any other.
(component
  (import "host-return-two" (func $two (result u32)))
  (core func $two (canon lower (func $two)))
  (core module $d
    (import "" "two" (func $two (result i32)))
    (global $sum (export "sum") (mut i32) (i32.const 0))
    (func (export "dtor") (param i32)
      (global.set $sum (i32.add (global.get $sum) (i32.mul (local.get 0) (call $two))))))
  (core instance $d (instantiate $d (with "" (instance (export "two" (func $two))))))
  (type $r (resource (rep i32) (dtor (func $d "dtor"))))
  (core func $new (canon resource.new $r))
  (core func $drop (canon resource.drop $r))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "d" "sum" (global $sum (mut i32)))
    (func (export "run") (result i32)
      (call $drop (call $new (i32.const 10)))
      (call $drop (call $new (i32.const 11)))
      (global.get $sum)))
  (core instance $i (instantiate $m
    (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))))
    (with "d" (instance (export "sum" (global $d "sum"))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))
(assert_return (invoke "run") (u32.const 42))

;; A destructor that traps ends the call, and poisons.
(component
  (core module $d (func (export "dtor") (param i32) (drop (i32.div_u (i32.const 1) (local.get 0)))))
  (core instance $d (instantiate $d))
  (type $r (resource (rep i32) (dtor (func $d "dtor"))))
  (core func $new (canon resource.new $r))
  (core func $drop (canon resource.drop $r))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "run") (param i32) (call $drop (call $new (local.get 0)))))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
  (func (export "run") (param "rep" u32) (canon lift (core func $i "run"))))
(assert_return (invoke "run" (u32.const 1)))
(assert_trap (invoke "run" (u32.const 0)) "integer divide by zero")
(assert_trap (invoke "run" (u32.const 1)) "cannot enter component instance")
