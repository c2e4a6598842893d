;; Linking: tags are shared between the core modules of a component. An exception ends at the border of its component, as a trap.

(component
  (core module $tag (tag (export "t") (param i32)))
  (core instance $tag (instantiate $tag))
  (core instance $other (instantiate $tag))
  (core module $throws
    (import "" "t" (tag $t (param i32)))
    (func (export "throw") (param i32) (throw $t (local.get 0))))
  (core instance $throws (instantiate $throws (with "" (instance $tag))))
  (core module $catches
    (import "" "t" (tag $t (param i32)))
    (import "" "throw" (func $throw (param i32)))
    (func (export "run") (param i32) (result i32)
      (block $caught (result i32)
        (try_table (catch $t $caught) (call $throw (local.get 0)))
        (i32.const 0))))
  (core instance $same (instantiate $catches
    (with "" (instance (export "t" (tag $tag "t")) (export "throw" (func $throws "throw"))))))
  (core instance $differs (instantiate $catches
    (with "" (instance (export "t" (tag $other "t")) (export "throw" (func $throws "throw"))))))
  (func (export "same") (param "x" u32) (result u32) (canon lift (core func $same "run")))
  (func (export "differs") (param "x" u32) (result u32) (canon lift (core func $differs "run"))))
(assert_return (invoke "same" (u32.const 42)) (u32.const 42))
(assert_trap (invoke "differs" (u32.const 42)) "uncaught exception")

(component
  (component $throws
    (core module $m (tag $t) (func (export "f") (throw $t)))
    (core instance $i (instantiate $m))
    (func (export "f") (canon lift (core func $i "f"))))
  (component $catches
    (import "f" (func $f))
    (core func $f (canon lower (func $f)))
    (core module $m
      (import "" "f" (func $f))
      (func (export "run") (result i32)
        (block $caught (try_table (catch_all $caught) (call $f)) (return (i32.const 0)))
        (i32.const 1)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $throws (instantiate $throws))
  (instance $catches (instantiate $catches (with "f" (func $throws "f"))))
  (export "run" (func $catches "run")))
(assert_trap (invoke "run") "uncaught exception propagated out of component")
