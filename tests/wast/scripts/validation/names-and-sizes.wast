;; Validation: names of one scope are strongly unique, and no value takes 2^28 bytes or more, with 64-bit pointers.

(assert_invalid (component (import "a-b" (func)) (import "ab" (func))) "import name `ab` conflicts with previous name `a-b`")
(assert_invalid (component (import "a-b" (func)) (import "A-B" (func))) "import name `A-B` conflicts with previous name `a-b`")
(assert_invalid
  (component (import "r" (type $r (sub resource))) (import "[method]r.r" (func (param "self" (borrow $r)))))
  "import name `[method]r.r` conflicts with previous name `r`")
(assert_invalid
  (component (type (instance (export "x-y" (func)) (export "xy" (func)))))
  "export name `xy` conflicts with previous name `x-y`")
(assert_invalid
  (component (type (component (import "x-y" (func)) (import "xy" (func)))))
  "import name `xy` conflicts with previous name `x-y`")
(assert_invalid
  (component (import "f" (func $f)) (instance (export "x-y" (func $f)) (export "xy" (func $f))))
  "export name `xy` conflicts with previous name `x-y`")
;; what is imported does not conflict with what is exported, nor what is inside with what is outside
(component definition
  (import "a-b" (type $t (sub resource)))
  (import "[constructor]a-b" (func (result (own $t))))
  (import "ns:pkg/a-b" (instance))
  (import "ns:pkg/ab" (instance))
  (component (import "ab" (func)))
  (type (instance (export "ab" (func))))
  (export "ab" (type $t)))

(component
  (type (list u8 268435455))
  (type (list string 16777215))
  (type (tuple (list u8 134217728) (list u8 134217727)))
  (type (list (list u8) 16777215)))
(assert_invalid (component (type (list u8 268435456))) "exceeds maximum byte size")
(assert_invalid (component (type (list u64 33554432))) "exceeds maximum byte size")
(assert_invalid (component (type (list u64 536870912))) "exceeds maximum byte size")
(assert_invalid (component (type (list string 16777216))) "exceeds maximum byte size")
(assert_invalid (component (type (list (list u8 65536) 4096))) "exceeds maximum byte size")
(assert_invalid (component (type (tuple (list u8 268435455) u8))) "exceeds maximum byte size")
(assert_invalid (component (type (option (list u8 268435455)))) "exceeds maximum byte size")
(assert_invalid (component (type $l (list u8 200000000)) (component (alias outer 1 $l (type $l)) (type (tuple $l $l)))) "exceeds maximum byte size")
