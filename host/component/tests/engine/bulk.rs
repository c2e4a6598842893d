//! Bulk bytes: filled in guest memory in place, lent out of it until post-return, never copied twice.

use crate::common::{LIBC, echo, engine, instantiate, instantiate_with};
use wasmer_component::{Error, FillBytes, LentBytes, LentStr, Linker, Val};

/// A closure that fills a list, whatever its own type.
type Filler<'a> = Box<dyn FnOnce(&mut [u8]) -> Result<usize, Error> + 'a>;

fn filled<'a>(
    len: usize,
    fill: impl FnOnce(&mut [u8]) -> Result<usize, Error> + 'a,
) -> FillBytes<Filler<'a>> {
    FillBytes::new(len, Box::new(fill))
}

/// `f(list<u8>) -> list<u8>` answers the very bytes it got; post-return overwrites them.
fn mirror() -> String {
    format!(
        r#"(component
             {LIBC}
             (core module $m
               (import "libc" "memory" (memory 1))
               (func (export "f") (param i32 i32) (result i32)
                 (i32.store (i32.const 16) (local.get 0))
                 (i32.store (i32.const 20) (local.get 1))
                 (i32.const 16))
               (func (export "post") (param i32)
                 (memory.fill (i32.load (i32.const 16)) (i32.const 0xee) (i32.load (i32.const 20)))))
             (core instance $m (instantiate $m (with "libc" (instance $libc))))
             (func (export "f") (param "v" (list u8)) (result (list u8))
               (canon lift (core func $m "f") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))
                 (post-return (core func $m "post")))))"#
    )
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 % 251) as u8).collect()
}

#[test]
fn byte_lists_go_in_and_out_in_every_form() {
    let (mut store, instance) = instantiate(&mirror()).unwrap();
    for len in [0usize, 1, 7, 4096, 1 << 20] {
        let bytes = pattern(len);
        let slice = instance
            .get_typed_func::<(&[u8],), (Vec<u8>,)>(&mut store, "f")
            .unwrap();
        assert_eq!(slice.call(&mut store, (&bytes,)).unwrap(), (bytes.clone(),));
        let owned = instance
            .get_typed_func::<(Vec<u8>,), (Vec<u8>,)>(&mut store, "f")
            .unwrap();
        assert_eq!(
            owned.call(&mut store, (bytes.clone(),)).unwrap(),
            (bytes.clone(),)
        );
        let dynamic = instance.get_func(&mut store, "f").unwrap();
        let list = Val::Bytes(bytes.clone());
        assert_eq!(
            dynamic
                .call(&mut store, std::slice::from_ref(&list))
                .unwrap(),
            Some(list)
        );
    }
}

#[test]
fn bytes_are_lent_until_post_return() {
    let (mut store, instance) = instantiate(&mirror()).unwrap();
    let f = instance
        .get_typed_func::<(&[u8],), (LentBytes,)>(&mut store, "f")
        .unwrap();
    let bytes = pattern(100_000);
    let seen = f
        .call_lent(&mut store, (&bytes,), |(lent,), guest| {
            assert_eq!(lent.len(), bytes.len());
            guest.bytes(&lent).to_vec()
        })
        .unwrap();
    assert_eq!(seen, bytes);
    // and the guest is in order afterwards
    let len = f
        .call_lent(&mut store, (&[],), |(lent,), guest| {
            guest.bytes(&lent).len()
        })
        .unwrap();
    assert_eq!(len, 0);
}

#[test]
fn a_list_is_filled_in_guest_memory() {
    let (mut store, instance) = instantiate(&mirror()).unwrap();
    let f = instance
        .get_typed_func::<(FillBytes<Filler<'_>>,), (Vec<u8>,)>(&mut store, "f")
        .unwrap();
    let bytes = pattern(70_000);
    let (back,) = f
        .call(
            &mut store,
            (filled(bytes.len(), |to: &mut [u8]| {
                to.copy_from_slice(&bytes);
                Ok(to.len())
            }),),
        )
        .unwrap();
    assert_eq!(back, bytes);
}

#[test]
fn a_list_may_turn_out_shorter_than_its_room() {
    let (mut store, instance) = instantiate(&mirror()).unwrap();
    let f = instance
        .get_typed_func::<(FillBytes<Filler<'_>>,), (Vec<u8>,)>(&mut store, "f")
        .unwrap();
    for written in [0usize, 1, 100] {
        let (back,) = f
            .call(
                &mut store,
                (filled(100, move |to: &mut [u8]| {
                    to[..written].fill(7);
                    Ok(written)
                }),),
            )
            .unwrap();
        assert_eq!(back, vec![7; written]);
    }
}

#[test]
fn an_error_while_filling_comes_out_of_the_call() {
    let (mut store, instance) = instantiate(&mirror()).unwrap();
    let f = instance
        .get_typed_func::<(FillBytes<Filler<'_>>,), (Vec<u8>,)>(&mut store, "f")
        .unwrap();
    let error = f
        .call(
            &mut store,
            (filled(100, |_: &mut [u8]| {
                Err(Error::host(std::io::Error::other("disk gone")))
            }),),
        )
        .unwrap_err();
    assert_eq!(
        error
            .downcast_ref::<std::io::Error>()
            .map(ToString::to_string),
        Some("disk gone".to_owned())
    );
}

#[test]
fn a_filler_that_claims_more_than_its_room_is_an_error() {
    let (mut store, instance) = instantiate(&mirror()).unwrap();
    let f = instance
        .get_typed_func::<(FillBytes<Filler<'_>>,), (Vec<u8>,)>(&mut store, "f")
        .unwrap();
    f.call(&mut store, (filled(10, |_: &mut [u8]| Ok(11)),))
        .unwrap_err();
}

/// The way a source reads a file: an import whose result is a list inside a result, filled in place.
#[test]
fn an_imports_result_is_filled_in_guest_memory() {
    let text = format!(
        r#"
(component
  (import "read" (func $read (param "len" u32) (result (result (list u8) (error string)))))
  {LIBC}
  (core func $read (canon lower (func $read) (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $m
    (import "h" "read" (func $read (param i32 i32)))
    (func (export "f") (param i32) (result i32) (call $read (local.get 0) (i32.const 16)) (i32.const 16)))
  (core instance $m (instantiate $m (with "h" (instance (export "read" (func $read))))))
  (func (export "f") (param "len" u32) (result (result (list u8) (error string)))
    (canon lift (core func $m "f") (memory (core memory $libc "memory")))))
"#
    );
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .root()
        .func_wrap("read", |_cx, (len,): (u32,)| {
            let result: Result<FillBytes<Filler<'static>>, String> = match len {
                0 => Err("nothing asked".to_owned()),
                len => Ok(filled(len as usize, |to: &mut [u8]| {
                    let half = to.len() / 2;
                    to[..half].fill(3);
                    Ok(half)
                })),
            };
            Ok((result,))
        })
        .unwrap();
    let (mut store, instance) = instantiate_with(&engine, &linker, (), &text).unwrap();
    let f = instance
        .get_typed_func::<(u32,), (Result<Vec<u8>, String>,)>(&mut store, "f")
        .unwrap();
    assert_eq!(
        f.call(&mut store, (200_000,)).unwrap(),
        (Ok(vec![3; 100_000]),)
    );
    assert_eq!(
        f.call(&mut store, (0,)).unwrap(),
        (Err("nothing asked".to_owned()),)
    );
    assert_eq!(f.call(&mut store, (1,)).unwrap(), (Ok(vec![]),));
}

/// Lent bytes may stand inside a variant, and their bounds are checked like any list's.
#[test]
fn lent_bytes_inside_a_result_are_checked() {
    let text = |pointer: u32, len: u32| {
        format!(
            r#"(component
                 (core module $m
                   (memory (export "memory") 1)
                   (data (i32.const 65532) "last")
                   (func (export "f") (result i32)
                     (i32.store (i32.const 20) (i32.const {pointer}))
                     (i32.store (i32.const 24) (i32.const {len}))
                     (i32.const 16)))
                 (core instance $m (instantiate $m))
                 (func (export "f") (result (result (list u8) (error u32))) (canon lift (core func $m "f") (memory (core memory $m "memory")))))"#
        )
    };
    let run = |pointer: u32, len: u32| {
        let (mut store, instance) = instantiate(&text(pointer, len)).unwrap();
        let f = instance
            .get_typed_func::<(), (Result<LentBytes, u32>,)>(&mut store, "f")
            .unwrap();
        f.call_lent(&mut store, (), |(lent,), guest| {
            guest.bytes(&lent.unwrap()).to_vec()
        })
    };
    assert_eq!(run(65532, 4).unwrap(), b"last");
    assert_eq!(run(65536, 0).unwrap(), b"");
    for (pointer, len) in [
        (65532, 5),
        (65536, 1),
        (65537, 0),
        (u32::MAX, 2),
        (16, u32::MAX),
    ] {
        assert!(
            matches!(run(pointer, len), Err(Error::Trap(_) | Error::Limit(_))),
            "{pointer} {len}"
        );
    }
}

/// An import that lends: the host reads the guest's bytes without a copy of its own.
#[test]
fn byte_parameters_of_an_import_arrive_whole() {
    let text = r#"
(component
  (import "write" (func $write (param "bytes" (list u8)) (result u64)))
  (core module $libc (memory (export "memory") 1) (data (i32.const 65533) "\01\02\03"))
  (core instance $libc (instantiate $libc))
  (core func $write (canon lower (func $write) (memory (core memory $libc "memory"))))
  (core module $m
    (import "h" "write" (func $write (param i32 i32) (result i64)))
    (func (export "f") (param i32 i32) (result i64) (call $write (local.get 0) (local.get 1))))
  (core instance $m (instantiate $m (with "h" (instance (export "write" (func $write))))))
  (func (export "f") (param "at" u32) (param "len" u32) (result u64) (canon lift (core func $m "f"))))
"#;
    let engine = engine();
    let run = |at: u32, len: u32| {
        let mut linker = Linker::<()>::new(&engine);
        linker
            .root()
            .func_wrap("write", |_cx, (bytes,): (Vec<u8>,)| {
                Ok((bytes.iter().map(|b| u64::from(*b)).sum::<u64>(),))
            })
            .unwrap();
        let (mut store, instance) = instantiate_with(&engine, &linker, (), text).unwrap();
        let f = instance
            .get_typed_func::<(u32, u32), (u64,)>(&mut store, "f")
            .unwrap();
        f.call(&mut store, (at, len)).map(|(n,)| n)
    };
    assert_eq!(run(65533, 3).unwrap(), 6);
    assert_eq!(run(65536, 0).unwrap(), 0);
    assert!(matches!(run(65533, 4), Err(Error::Trap(_))));
    assert!(matches!(run(65537, 0), Err(Error::Trap(_))));
    assert!(matches!(
        run(u32::MAX, u32::MAX),
        Err(Error::Trap(_) | Error::Limit(_))
    ));
}

#[test]
fn strings_are_lent_whatever_their_encoding() {
    let text = |encoding: &str, data: &str, len: u32| {
        format!(
            r#"(component
                 (core module $m (memory (export "memory") 1)
                   (data (i32.const 8) "\20\00\00\00\{len:02x}\00\00\00")
                   (data (i32.const 32) "{data}")
                   (func (export "f") (result i32) (i32.const 8)))
                 (core instance $i (instantiate $m))
                 (func (export "f") (result string)
                   (canon lift (core func $i "f") (memory (core memory $i "memory")) string-encoding={encoding})))"#
        )
    };
    for (encoding, data, len) in [
        ("utf8", r"gr\c3\bc\c3\9fe", 7),
        ("utf16", r"g\00r\00\fc\00\df\00e\00", 5),
        ("latin1+utf16", r"gr\fc\dfe", 5),
    ] {
        let (mut store, instance) = instantiate(&text(encoding, data, len)).unwrap();
        let f = instance
            .get_typed_func::<(), (LentStr,)>(&mut store, "f")
            .unwrap();
        let seen = f.call_lent(&mut store, (), |(lent,), guest| {
            guest.str(&lent).to_string()
        });
        assert_eq!(seen.unwrap(), "grüße", "{encoding}");
    }
    let (mut store, instance) = instantiate(&text("utf8", r"gr\ff", 3)).unwrap();
    let f = instance
        .get_typed_func::<(), (LentStr,)>(&mut store, "f")
        .unwrap();
    let error = f.call_lent(&mut store, (), |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("invalid utf-8"), "{error}");
}

/// Lists of numbers cross in one copy in the dynamic API, too; the host may pass them one by one as well.
#[test]
fn dynamic_lists_of_numbers_are_numbers() {
    let cases: [(&str, Val, Vec<Val>); 5] = [
        (
            "u16",
            vec![1u16, 65535].into(),
            vec![Val::U16(1), Val::U16(65535)],
        ),
        ("s32", vec![-1i32].into(), vec![Val::S32(-1)]),
        (
            "u64",
            vec![u64::MAX, 0].into(),
            vec![Val::U64(u64::MAX), Val::U64(0)],
        ),
        (
            "f64",
            vec![0.5f64, -2.0].into(),
            vec![Val::F64(0.5), Val::F64(-2.0)],
        ),
        ("s8", Vec::<i8>::new().into(), vec![]),
    ];
    for (ty, numbers, one_by_one) in cases {
        let text = echo(&[], &format!("(list {ty})"), &["i32", "i32"], "");
        let engine = engine();
        let mut linker = Linker::<()>::new(&engine);
        linker
            .instance("test:abi/host")
            .unwrap()
            .func_new("f", |_, _, params| Ok(params.first().cloned()))
            .unwrap();
        let (mut store, instance) = instantiate_with(&engine, &linker, (), &text).unwrap();
        let f = instance.get_func(&mut store, "f").unwrap();
        let expected = Some(numbers.clone());
        assert_eq!(f.call(&mut store, &[numbers]).unwrap(), expected, "{ty}");
        let listed = Val::List(one_by_one.clone());
        let seen = f.call(&mut store, &[listed]).unwrap();
        assert_eq!(seen, expected, "{ty}");
        let Some(Val::Numbers(numbers)) = seen else {
            panic!("{seen:?}")
        };
        assert_eq!(numbers.iter().collect::<Vec<_>>(), one_by_one);
        assert_eq!(numbers.len(), one_by_one.len());
    }
}
