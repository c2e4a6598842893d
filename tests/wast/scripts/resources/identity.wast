;; Resources: each instance of a component has types of its own, also two instances of one component.

(component definition $C (type $r (resource (rep i32))) (export "r" (type $r)))
(component definition $D (type $r (resource (rep i32))) (export "r" (type $r)))
(component instance $one $C)
(component instance $two $C)
(component instance $three $D)
(component
  (import "one" (instance $one (export "r" (type (sub resource)))))
  (import "two" (instance $two (export "r" (type (sub resource)))))
  (alias export $one "r" (type $r)))
(component
  (import "one" (instance $one (export "r" (type (sub resource)))))
  (alias export $one "r" (type $r))
  (import "one-again" (instance (export "r" (type (eq $r))))))
(assert_unlinkable
  (component
    (import "one" (instance $one (export "r" (type (sub resource)))))
    (alias export $one "r" (type $r))
    (import "two" (instance (export "r" (type (eq $r))))))
  "another resource")
(assert_unlinkable
  (component
    (import "two" (instance $two (export "r" (type (sub resource)))))
    (alias export $two "r" (type $r))
    (import "three" (instance (export "r" (type (eq $r))))))
  "another resource")

;; A resource of one component in the hands of another that is no part of it: made there, lent there, dropped there; the destructor
;; runs where it is at home.
(component $maker
  (core module $d
    (global $dropped (export "dropped") (mut i32) (i32.const 0))
    (func (export "dtor") (param i32) (global.set $dropped (i32.add (global.get $dropped) (local.get 0)))))
  (core instance $d (instantiate $d))
  (type $r' (resource (rep i32) (dtor (func $d "dtor"))))
  (export $r "r" (type $r'))
  (core func $new (canon resource.new $r))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "d" "dropped" (global $dropped (mut i32)))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "value") (param i32) (result i32) (local.get 0))
    (func (export "dropped") (result i32) (global.get $dropped)))
  (core instance $i (instantiate $m
    (with "" (instance (export "new" (func $new))))
    (with "d" (instance (export "dropped" (global $d "dropped"))))))
  (func (export "make") (param "rep" u32) (result (own $r)) (canon lift (core func $i "make")))
  (func (export "value") (param "r" (borrow $r)) (result u32) (canon lift (core func $i "value")))
  (func (export "dropped") (result u32) (canon lift (core func $i "dropped"))))
(component $user
  (import "maker" (instance $maker
    (export "r" (type $r (sub resource)))
    (export "make" (func (param "rep" u32) (result (own $r))))
    (export "value" (func (param "r" (borrow $r)) (result u32)))))
  (alias export $maker "r" (type $r))
  (core func $make (canon lower (func $maker "make")))
  (core func $value (canon lower (func $maker "value")))
  (core func $drop (canon resource.drop $r))
  (core module $m
    (import "" "make" (func $make (param i32) (result i32)))
    (import "" "value" (func $value (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "run") (result i32)
      (local $h i32) (local $sum i32)
      (local.set $h (call $make (i32.const 40)))
      (local.set $sum (i32.add (call $value (local.get $h)) (local.get $h)))
      (call $drop (local.get $h))
      (local.get $sum)))
  (core instance $i (instantiate $m (with "" (instance
    (export "make" (func $make)) (export "value" (func $value)) (export "drop" (func $drop))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))
(assert_return (invoke "run") (u32.const 41))
(assert_return (invoke $maker "dropped") (u32.const 40))
(assert_return (invoke $user "run") (u32.const 41))
(assert_return (invoke $maker "dropped") (u32.const 80))
