;; Calls: what core code traps with, and what comes after. After any trap the instance refuses further calls; others go on.

(component definition $Traps
  (core module $m
    (memory (export "memory") 1)
    (table 2 funcref)
    (elem (i32.const 0) $none)
    (type $none-t (func))
    (type $some-t (func (param i32)))
    (func $none)
    (func $deep (call $deep) (drop (i32.load (i32.const 0))))
    (func (export "f") (param i32) (result i32)
      (if (i32.eq (local.get 0) (i32.const 0)) (then unreachable))
      (if (i32.eq (local.get 0) (i32.const 1)) (then (return (i32.div_u (i32.const 1) (i32.const 0)))))
      (if (i32.eq (local.get 0) (i32.const 2)) (then (return (i32.div_s (i32.const 0x80000000) (i32.const -1)))))
      (if (i32.eq (local.get 0) (i32.const 3)) (then (return (i32.load (i32.const 65533)))))
      (if (i32.eq (local.get 0) (i32.const 4)) (then (return (i32.trunc_f32_s (f32.const nan)))))
      (if (i32.eq (local.get 0) (i32.const 5)) (then (call_indirect (type $none-t) (i32.const 1))))
      (if (i32.eq (local.get 0) (i32.const 6)) (then (call_indirect (type $none-t) (i32.const 2))))
      (if (i32.eq (local.get 0) (i32.const 7)) (then (call_indirect (type $some-t) (i32.const 0) (i32.const 0))))
      (if (i32.eq (local.get 0) (i32.const 8)) (then (call $deep)))
      (i32.const 99)))
  (core instance $i (instantiate $m))
  (func (export "f") (param "v" u32) (result u32) (canon lift (core func $i "f"))))
(component instance $A $Traps)
(component instance $B $Traps)
(assert_return (invoke $A "f" (u32.const 100)) (u32.const 99))
(assert_trap (invoke $A "f" (u32.const 0)) "wasm trap: wasm `unreachable` instruction executed")
(assert_trap (invoke $A "f" (u32.const 100)) "cannot enter component instance")
(assert_trap (invoke $A "f" (u32.const 100)) "cannot enter component instance")
(assert_return (invoke $B "f" (u32.const 100)) (u32.const 99))
(assert_trap (invoke $B "f" (u32.const 1)) "integer divide by zero")
(component instance $A $Traps)
(assert_trap (invoke "f" (u32.const 2)) "integer overflow")
(component instance $A $Traps)
(assert_trap (invoke "f" (u32.const 3)) "out of bounds memory access")
(component instance $A $Traps)
(assert_trap (invoke "f" (u32.const 4)) "invalid conversion to integer")
(component instance $A $Traps)
(assert_trap (invoke "f" (u32.const 5)) "uninitialized element")
(component instance $A $Traps)
(assert_trap (invoke "f" (u32.const 6)) "undefined element")
(component instance $A $Traps)
(assert_trap (invoke "f" (u32.const 7)) "indirect call type mismatch")
(component instance $A $Traps)
(assert_exhaustion (invoke "f" (u32.const 8)) "call stack exhausted")

;; A start function that traps: there is no instance.
(assert_trap
  (component
    (core module $m (func $start unreachable) (start $start))
    (core instance (instantiate $m)))
  "unreachable")
(assert_trap
  (component
    (core module $m (memory 1) (data (i32.const 65536) "x"))
    (core instance (instantiate $m)))
  "out of bounds memory access")

;; A component that is called while a call of it runs, by way of a host's or another component's function, is a trap at the latest when it
;; is entered; here one is called by its own child, which the validator lets pass.
(component
  (component $child
    (import "up" (func $up (result u32)))
    (core func $up (canon lower (func $up)))
    (core module $m (import "" "up" (func $up (result i32))) (func (export "run") (result i32) (call $up)))
    (core instance $i (instantiate $m (with "" (instance (export "up" (func $up))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (core module $m (func (export "f") (result i32) (i32.const 1)))
  (core instance $i (instantiate $m))
  (func $f (result u32) (canon lift (core func $i "f")))
  (instance $child (instantiate $child (with "up" (func $f))))
  (core func $run (canon lower (func $child "run")))
  (core module $n (import "" "run" (func $run (result i32))) (func (export "run") (result i32) (call $run)))
  (core instance $n (instantiate $n (with "" (instance (export "run" (func $run))))))
  (func (export "run") (result u32) (canon lift (core func $n "run"))))
(assert_trap (invoke "run") "cannot enter component instance")

;; A function that is lifted and lowered by the same instance.
(component
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (core func $again (canon lower (func $f)))
  (core module $n (import "" "f" (func $f)) (func (export "run") (call $f)))
  (core instance $n (instantiate $n (with "" (instance (export "f" (func $again))))))
  (func (export "run") (canon lift (core func $n "run"))))
(assert_trap (invoke "run") "cannot enter component instance")

;; A component that calls its own child.
(component
  (component $child
    (core module $m (func (export "f") (result i32) (i32.const 1)))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (instance $child (instantiate $child))
  (core func $f (canon lower (func $child "f")))
  (core module $m (import "" "f" (func $f (result i32))) (func (export "run") (result i32) (call $f)))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))
(assert_trap (invoke "run") "cannot enter component instance")
