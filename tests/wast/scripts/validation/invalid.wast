;; Validation: what is no component is refused before anything is compiled. The words are the validator's; only that it refuses counts.

(assert_invalid (component (import "a" (func)) (import "a" (func))) "conflicts with previous name")
(assert_invalid (component (import "A" (func)) (import "a" (func))) "conflicts with previous name")
(assert_invalid (component (import "not kebab" (func))) "not in kebab case")
(assert_invalid (component (import "ns:pkg" (func))) "not a valid extern name")
(assert_invalid (component (export "x" (func 0))) "function index out of bounds")
(assert_invalid (component (type (record))) "record type must have at least one field")
(assert_invalid (component (type (variant))) "variant type must have at least one case")
(assert_invalid (component (type (enum))) "enum type must have at least one variant")
(assert_invalid (component (type (flags))) "flags must have at least one entry")
(assert_invalid (component (type (tuple))) "tuple type must have at least one type")
(assert_invalid (component (type (record (field "x" u8) (field "X" u8)))) "conflicts with previous")
(assert_invalid (component (type (enum "a" "a"))) "conflicts with previous")
(assert_invalid (component (type (list u8 0))) "must be greater than zero")
(assert_invalid
  (component (type (flags
    "f0" "f1" "f2" "f3" "f4" "f5" "f6" "f7" "f8" "f9" "f10" "f11" "f12" "f13" "f14" "f15" "f16" "f17" "f18" "f19" "f20" "f21" "f22"
    "f23" "f24" "f25" "f26" "f27" "f28" "f29" "f30" "f31" "f32")))
  "cannot have more than 32 flags")

;; Canonical functions need the options of what they pass, and core functions of the right type.
(assert_invalid
  (component
    (core module $m (func (export "f") (param i32 i32)))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (canon lift (core func $i "f"))))
  "canonical option `memory` is required")
(assert_invalid
  (component
    (core module $m (memory (export "memory") 1) (func (export "f") (param i32 i32)))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (canon lift (core func $i "f") (memory $i "memory"))))
  "canonical option `realloc` is required")
(assert_invalid
  (component
    (core module $m (func (export "f") (param i64)))
    (core instance $i (instantiate $m))
    (func (export "f") (param "x" u32) (canon lift (core func $i "f"))))
  "lowered parameter types")
(assert_invalid
  (component
    (core module $m (func (export "f") (result i32) (i32.const 0)) (func (export "post") (param i64)))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f") (post-return (func $i "post")))))
  "canonical option `post-return` uses a core function with an incorrect signature")
(assert_invalid
  (component
    (import "f" (func $f))
    (core module $m (func (export "post")))
    (core instance $i (instantiate $m))
    (core func (canon lower (func $f) (post-return (func $i "post")))))
  "canonical option `post-return` cannot be specified for lowerings")

;; Resources: only who defines a type makes handles and looks into them; results are no borrows.
(assert_invalid (component (import "r" (type $r (sub resource))) (core func (canon resource.new $r))) "not a local resource")
(assert_invalid (component (import "r" (type $r (sub resource))) (core func (canon resource.rep $r))) "not a local resource")
(assert_invalid
  (component (import "r" (type $r (sub resource))) (import "f" (func (result (borrow $r)))))
  "function result cannot contain a `borrow` type")
(assert_invalid (component (type $r (resource (rep i64)))) "resources can only be represented by `i32`")
(assert_invalid
  (component
    (core module $m (func (export "dtor") (param i64)))
    (core instance $i (instantiate $m))
    (type (resource (rep i32) (dtor (func $i "dtor")))))
  "wrong signature for a destructor")

;; Instantiation: everything that is imported is given, of the right type.
(assert_invalid
  (component (component $c (import "f" (func))) (instance (instantiate $c)))
  "missing import named `f`")
(assert_invalid
  (component
    (import "g" (func $g (param "x" u8)))
    (component $c (import "f" (func)))
    (instance (instantiate $c (with "f" (func $g)))))
  "type mismatch")
(assert_invalid
  (component (core module $m (import "" "f" (func))) (core instance (instantiate $m)))
  "missing module instantiation argument named ``")
(assert_invalid
  (component
    (core module $a (global (export "f") i32 (i32.const 0)))
    (core instance $a (instantiate $a))
    (core module $b (import "" "f" (func)))
    (core instance (instantiate $b (with "" (instance $a)))))
  "type mismatch for export `f`")
;; the body of a core function
(assert_invalid (component (core module (func (result i32)))) "type mismatch")

;; Malformed: bytes and texts that are no component.
(assert_malformed (component binary "") "unexpected end")
(assert_malformed (component binary "\00asm") "unexpected end")
(assert_malformed (component binary "\00asm" "\0e\00\01\00") "unknown binary version")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\0f\00") "malformed section id")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\05\01") "unexpected end")
(assert_malformed (component binary "\00asm" "\0d\00\01\00" "\07\02\01\3b") "invalid leading byte")
(assert_malformed (component quote "(import \"a\" (func") "expected `)`")
(assert_malformed (component quote "(typo)") "unexpected token")
(assert_malformed (component quote "(import \"a\" (func (type $nowhere)))") "unknown type")
(component binary "\00asm" "\0d\00\01\00")
(component quote "(type (list u8))")
