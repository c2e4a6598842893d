;; Values: discriminants are 1, 2 or 4 bytes wide in memory; what is out of range traps, flat and in memory, of variants, enums, options
;; and results.

(component definition $Cases
  (core module $m
    (memory (export "memory") 1)
    (func (export "flat") (param i32) (result i32) (local.get 0))
    (func (export "stored") (param i32) (result i32)
      (i32.store8 (i32.const 32) (local.get 0))
      (i32.store8 offset=4 (i32.const 32) (i32.const 7))
      (i32.const 32)))
  (core instance $i (instantiate $m))
  (type $color' (enum "red" "green" "blue"))
  (export $color "color" (type $color'))
  (type $shape' (variant (case "dot") (case "line" u8)))
  (export $shape "shape" (type $shape'))
  (func (export "enum") (param "v" u32) (result $color) (canon lift (core func $i "flat")))
  (func (export "variant") (param "v" u32) (result $shape) (canon lift (core func $i "stored") (memory $i "memory")))
  (func (export "option") (param "v" u32) (result (option u32)) (canon lift (core func $i "stored") (memory $i "memory")))
  (func (export "result") (param "v" u32) (result (result)) (canon lift (core func $i "flat")))
  (func (export "result-of") (param "v" u32) (result (result u32 (error u8)))
    (canon lift (core func $i "stored") (memory $i "memory"))))
(component instance $I $Cases)
(assert_return (invoke "enum" (u32.const 0)) (enum.const "red"))
(assert_return (invoke "enum" (u32.const 2)) (enum.const "blue"))
(assert_return (invoke "variant" (u32.const 0)) (variant.const "dot"))
(assert_return (invoke "variant" (u32.const 1)) (variant.const "line" (u8.const 0)))
(assert_return (invoke "option" (u32.const 0)) (option.none))
(assert_return (invoke "option" (u32.const 1)) (option.some (u32.const 7)))
(assert_return (invoke "result" (u32.const 0)) (result.ok))
(assert_return (invoke "result" (u32.const 1)) (result.err))
(assert_return (invoke "result-of" (u32.const 0)) (result.ok (u32.const 7)))
(assert_return (invoke "result-of" (u32.const 1)) (result.err (u8.const 7)))
;; only one byte counts in memory
(assert_return (invoke "option" (u32.const 0x101)) (option.some (u32.const 7)))
(assert_trap (invoke "enum" (u32.const 3)) "invalid variant discriminant")
(component instance $I $Cases)
(assert_trap (invoke "enum" (u32.const 0x100)) "invalid variant discriminant")
(component instance $I $Cases)
(assert_trap (invoke "enum" (u32.const 0xffffffff)) "invalid variant discriminant")
(component instance $I $Cases)
(assert_trap (invoke "variant" (u32.const 2)) "invalid variant discriminant")
(component instance $I $Cases)
(assert_trap (invoke "option" (u32.const 255)) "invalid variant discriminant")
(component instance $I $Cases)
(assert_trap (invoke "result" (u32.const 2)) "invalid variant discriminant")
(component instance $I $Cases)
(assert_trap (invoke "result-of" (u32.const 2)) "invalid variant discriminant")

;; An option in an option in an option: each has a discriminant of its own, and none of them is a null.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "deep") (param i32 i32 i32 i32) (result i32)
      (i32.store8 (i32.const 16) (local.get 0))
      (i32.store8 (i32.const 17) (local.get 1))
      (i32.store8 (i32.const 18) (local.get 2))
      (i32.store8 (i32.const 19) (local.get 3))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (type $deep (option (option (option u8))))
  (func (export "deep") (param "v" $deep) (result $deep) (canon lift (core func $i "deep") (memory $i "memory"))))
(assert_return (invoke "deep" (option.none)) (option.none))
(assert_return (invoke "deep" (option.some (option.none))) (option.some (option.none)))
(assert_return (invoke "deep" (option.some (option.some (option.none)))) (option.some (option.some (option.none))))
(assert_return (invoke "deep" (option.some (option.some (option.some (u8.const 9)))))
  (option.some (option.some (option.some (u8.const 9)))))

;; 257 cases need two bytes.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "list") (result i32)
      (i32.store16 (i32.const 64) (i32.const 256))
      (i32.store16 (i32.const 66) (i32.const 1))
      (i32.store (i32.const 16) (i32.const 64))
      (i32.store (i32.const 20) (i32.const 2))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (type $many' (enum
    "e0" "e1" "e2" "e3" "e4" "e5" "e6" "e7" "e8" "e9" "e10" "e11" "e12" "e13" "e14" "e15" "e16" "e17" "e18" "e19" "e20" "e21" "e22" "e23"
    "e24" "e25" "e26" "e27" "e28" "e29" "e30" "e31" "e32" "e33" "e34" "e35" "e36" "e37" "e38" "e39" "e40" "e41" "e42" "e43" "e44" "e45"
    "e46" "e47" "e48" "e49" "e50" "e51" "e52" "e53" "e54" "e55" "e56" "e57" "e58" "e59" "e60" "e61" "e62" "e63" "e64" "e65" "e66" "e67"
    "e68" "e69" "e70" "e71" "e72" "e73" "e74" "e75" "e76" "e77" "e78" "e79" "e80" "e81" "e82" "e83" "e84" "e85" "e86" "e87" "e88" "e89"
    "e90" "e91" "e92" "e93" "e94" "e95" "e96" "e97" "e98" "e99" "e100" "e101" "e102" "e103" "e104" "e105" "e106" "e107" "e108" "e109"
    "e110" "e111" "e112" "e113" "e114" "e115" "e116" "e117" "e118" "e119" "e120" "e121" "e122" "e123" "e124" "e125" "e126" "e127" "e128"
    "e129" "e130" "e131" "e132" "e133" "e134" "e135" "e136" "e137" "e138" "e139" "e140" "e141" "e142" "e143" "e144" "e145" "e146" "e147"
    "e148" "e149" "e150" "e151" "e152" "e153" "e154" "e155" "e156" "e157" "e158" "e159" "e160" "e161" "e162" "e163" "e164" "e165" "e166"
    "e167" "e168" "e169" "e170" "e171" "e172" "e173" "e174" "e175" "e176" "e177" "e178" "e179" "e180" "e181" "e182" "e183" "e184" "e185"
    "e186" "e187" "e188" "e189" "e190" "e191" "e192" "e193" "e194" "e195" "e196" "e197" "e198" "e199" "e200" "e201" "e202" "e203" "e204"
    "e205" "e206" "e207" "e208" "e209" "e210" "e211" "e212" "e213" "e214" "e215" "e216" "e217" "e218" "e219" "e220" "e221" "e222" "e223"
    "e224" "e225" "e226" "e227" "e228" "e229" "e230" "e231" "e232" "e233" "e234" "e235" "e236" "e237" "e238" "e239" "e240" "e241" "e242"
    "e243" "e244" "e245" "e246" "e247" "e248" "e249" "e250" "e251" "e252" "e253" "e254" "e255" "e256"))
  (export $many "many" (type $many'))
  (func (export "list") (result (list $many)) (canon lift (core func $i "list") (memory $i "memory"))))
(assert_return (invoke "list") (list.const (enum.const "e256") (enum.const "e1")))
