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

;; Neither do they pass from `realloc` or `post-return` of the callee to its caller.
(component definition $Both
  (component $throws
    (core module $m
      (tag $t)
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (throw $t))
      (func (export "take") (param i32 i32))
      (func (export "nothing"))
      (func (export "post") (throw $t)))
    (core instance $i (instantiate $m))
    (func (export "take") (param "s" string)
      (canon lift (core func $i "take") (memory $i "memory") (realloc (func $i "realloc"))))
    (func (export "give") (canon lift (core func $i "nothing") (post-return (func $i "post")))))
  (component $catches
    (import "take" (func $take (param "s" string)))
    (import "give" (func $give))
    (core module $libc (memory (export "memory") 1))
    (core instance $libc (instantiate $libc))
    (core func $take (canon lower (func $take) (memory $libc "memory")))
    (core func $give (canon lower (func $give)))
    (core module $m
      (import "" "take" (func $take (param i32 i32)))
      (import "" "give" (func $give))
      (func (export "take") (block $caught (try_table (catch_all $caught) (call $take (i32.const 0) (i32.const 3)))))
      (func (export "give") (block $caught (try_table (catch_all $caught) (call $give)))))
    (core instance $i (instantiate $m (with "" (instance (export "take" (func $take)) (export "give" (func $give))))))
    (func (export "take") (canon lift (core func $i "take")))
    (func (export "give") (canon lift (core func $i "give"))))
  (component $both
    (import "c" (component $c (import "take" (func (param "s" string))) (import "give" (func)) (export "take" (func)) (export "give" (func))))
    (import "t" (component $t (export "take" (func (param "s" string))) (export "give" (func))))
    (instance $t1 (instantiate $t))
    (instance $t2 (instantiate $t))
    (instance $one (instantiate $c (with "take" (func $t1 "take")) (with "give" (func $t1 "give"))))
    (instance $two (instantiate $c (with "take" (func $t2 "take")) (with "give" (func $t2 "give"))))
    (export "take" (func $one "take"))
    (export "give" (func $two "give")))
  (instance $both (instantiate $both (with "c" (component $catches)) (with "t" (component $throws))))
  (export "take" (func $both "take"))
  (export "give" (func $both "give")))
(component instance $I $Both)
(assert_trap (invoke "take") "uncaught exception propagated out of component")
(component instance $I $Both)
(assert_trap (invoke "give") "uncaught exception propagated out of component")
