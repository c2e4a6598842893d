//! Compiled artifacts: the same behaviour as what they were made of, and an error for everything that is not whole and ours.

use crate::common::{compile, engine};
use wasmer_component::{
    Compiler, Component, Config, Engine, Error, Linker, Store, StoreContextMut,
};

/// A component with an import, an export in an interface, strings, a resource and a post-return.
const TEXT: &str = r#"
(component
  (import "test:abi/host@0.2.0" (instance $host
    (export "greet" (func (param "name" string) (result string)))))
  (core module $libc
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (core func $greet (canon lower (func $host "greet") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $m
    (import "h" "greet" (func $greet (param i32 i32 i32)))
    (func (export "run") (param i32 i32) (result i32)
      (call $greet (local.get 0) (local.get 1) (i32.const 16)) (i32.const 16))
    (func (export "post") (param i32))
    (func $fail (export "fail") unreachable))
  (core instance $m (instantiate $m (with "h" (instance (export "greet" (func $greet))))))
  (func $run (param "name" string) (result string)
    (canon lift (core func $m "run") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))
      (post-return (core func $m "post"))))
  (func $fail (canon lift (core func $m "fail")))
  (instance $i (export "run" (func $run)) (export "fail" (func $fail)))
  (export "test:abi/runner@0.2.0" (instance $i)))
"#;

fn load(engine: &Engine, bytes: &[u8]) -> Result<Component, Error> {
    // SAFETY: the bytes are what `serialize` gave in this very process, whole or damaged by the test; that the damage is
    // found before anything of it is executed is what is tested.
    unsafe { Component::deserialize(engine, bytes) }
}

/// What the component does, in words.
fn behaviour(engine: &Engine, component: &Component) -> Vec<String> {
    let mut linker = Linker::<u32>::new(engine);
    linker
        .instance("test:abi/host@0.2.0")
        .unwrap()
        .func_wrap(
            "greet",
            |mut cx: StoreContextMut<'_, u32>, (name,): (String,)| {
                *cx.data_mut() += 1;
                Ok((format!("hello {name}"),))
            },
        )
        .unwrap();
    let mut seen: Vec<String> = component
        .imports()
        .map(|(name, ty)| format!("{name} {}", ty.kind()))
        .collect();
    seen.extend(
        component
            .exports()
            .map(|(name, ty)| format!("{name} {}", ty.kind())),
    );
    let mut store = Store::new(engine, 0).unwrap();
    let instance = linker.instantiate(&mut store, component).unwrap();
    let run = instance
        .get_typed_func::<(&str,), (String,)>(&mut store, ("test:abi/runner@0.2.0", "run"))
        .unwrap();
    seen.push(run.call(&mut store, ("you",)).unwrap().0);
    seen.push(run.call(&mut store, ("again",)).unwrap().0);
    seen.push(store.data().to_string());
    let wrong = instance
        .get_typed_func::<(u32,), ()>(&mut store, ("test:abi/runner@0.2.0", "run"))
        .err()
        .unwrap();
    seen.push(wrong.to_string());
    let fail = instance
        .get_typed_func::<(), ()>(&mut store, ("test:abi/runner@0.2.0", "fail"))
        .unwrap();
    seen.push(fail.call(&mut store, ()).unwrap_err().to_string());
    seen.push(run.call(&mut store, ("no",)).unwrap_err().to_string());
    seen
}

#[test]
fn an_artifact_behaves_as_the_component_it_was_made_of() {
    let engine = engine();
    let component = compile(&engine, TEXT).unwrap();
    let bytes = component.serialize().unwrap();
    let loaded = load(&engine, &bytes).unwrap();
    let expected = behaviour(&engine, &component);
    assert_eq!(expected[2..5], ["hello you", "hello again", "2"]);
    assert!(
        expected[6].contains("fail"),
        "the trap names its function: {}",
        expected[6]
    );
    assert_eq!(behaviour(&engine, &loaded), expected);
    // and once more around
    assert_eq!(loaded.serialize().unwrap(), bytes);
}

#[test]
fn an_artifact_in_a_mapped_file_behaves_as_one_in_memory() {
    let engine = engine();
    let component = compile(&engine, TEXT).unwrap();
    let path = std::env::temp_dir().join(format!("wasmer-component-{}", std::process::id()));
    std::fs::write(&path, component.serialize().unwrap()).unwrap();
    // SAFETY: the file was written just now, and nobody knows of it.
    let loaded = unsafe { Component::deserialize_file(&engine, &path) }.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(behaviour(&engine, &loaded), behaviour(&engine, &component));
    // SAFETY: there is no file.
    let error = unsafe { Component::deserialize_file(&engine, &path) }.unwrap_err();
    assert!(error.to_string().contains("cannot be mapped"), "{error}");
}

#[test]
fn an_artifact_is_loaded_wherever_it_lies() {
    let engine = engine();
    let component = compile(&engine, TEXT).unwrap();
    let bytes = component.serialize().unwrap();
    for shift in [0, 1, 8, 16, 17] {
        let mut padded = vec![0; shift];
        padded.extend_from_slice(&bytes);
        let shared = bytes::Bytes::from(padded).slice(shift..);
        // SAFETY: the bytes are what `serialize` gave.
        let loaded = unsafe { Component::deserialize_bytes(&engine, shared) }.unwrap();
        assert_eq!(behaviour(&engine, &loaded)[2], "hello you", "shift {shift}");
    }
}

#[test]
fn what_was_linked_once_is_instantiated_often() {
    let engine = engine();
    let component = compile(&engine, TEXT).unwrap();
    let mut linker = Linker::<u32>::new(&engine);
    assert!(linker.instantiate_pre(&component).is_err());
    linker
        .instance("test:abi/host@0.2.9")
        .unwrap()
        .func_wrap(
            "greet",
            |_: StoreContextMut<'_, u32>, (name,): (String,)| Ok((format!("hi {name}"),)),
        )
        .unwrap();
    let linked = linker.instantiate_pre(&component).unwrap();
    for _ in 0..3 {
        let mut store = Store::new(&engine, 0).unwrap();
        let instance = linked.instantiate(&mut store).unwrap();
        let run = instance
            .get_typed_func::<(&str,), (String,)>(&mut store, ("test:abi/runner@0.2.0", "run"))
            .unwrap();
        assert_eq!(run.call(&mut store, ("you",)).unwrap().0, "hi you");
    }
    let other = crate::common::engine();
    let mut store = Store::new(&other, 0).unwrap();
    assert!(matches!(
        linked.instantiate(&mut store),
        Err(Error::Engine(_))
    ));
}

#[test]
fn an_artifact_can_be_used_by_another_engine_of_the_same_configuration() {
    let bytes = compile(&engine(), TEXT).unwrap().serialize().unwrap();
    let other = engine();
    assert_eq!(
        behaviour(&other, &load(&other, &bytes).unwrap())[2],
        "hello you"
    );
}

#[test]
fn the_same_component_gives_the_same_artifact() {
    let engine = engine();
    let one = compile(&engine, TEXT).unwrap().serialize().unwrap();
    let two = compile(&engine, TEXT).unwrap().serialize().unwrap();
    assert_eq!(one.len(), two.len());
}

#[track_caller]
fn assert_refused(engine: &Engine, bytes: &[u8], what: &str) {
    match load(engine, bytes) {
        Err(Error::Artifact(_)) => {}
        Err(other) => panic!("{what}: {other:?}"),
        Ok(_) => panic!("{what}: was loaded"),
    }
}

#[test]
fn a_flipped_byte_anywhere_is_found() {
    let engine = engine();
    let whole = compile(&engine, TEXT).unwrap().serialize().unwrap();
    // every byte of the header and of the end, and a spread over what lies between
    let step = (whole.len() / 1500).max(1);
    let places = (0..whole.len().min(512))
        .chain((512..whole.len()).step_by(step))
        .chain(whole.len() - 64..whole.len());
    for place in places {
        for flip in [0x01, 0x80] {
            let mut damaged = whole.clone();
            damaged[place] ^= flip;
            assert_refused(
                &engine,
                &damaged,
                &format!("byte {place} of {} flipped by {flip:#x}", whole.len()),
            );
        }
    }
}

#[test]
fn a_truncated_or_lengthened_artifact_is_found() {
    let engine = engine();
    let whole = compile(&engine, TEXT).unwrap().serialize().unwrap();
    let step = (whole.len() / 500).max(1);
    for len in (0..whole.len().min(256))
        .chain((256..whole.len()).step_by(step))
        .chain([whole.len() - 1])
    {
        assert_refused(
            &engine,
            &whole[..len],
            &format!("{len} bytes of {}", whole.len()),
        );
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert_refused(&engine, &longer, "one byte more");
    longer.extend_from_slice(&whole);
    assert_refused(&engine, &longer, "two of them");
}

#[test]
fn what_is_no_artifact_is_refused() {
    let engine = engine();
    assert_refused(&engine, b"", "nothing");
    assert_refused(
        &engine,
        &wat::parse_str(TEXT).unwrap(),
        "the component itself",
    );
    assert_refused(&engine, &[0; 4096], "zeros");
    assert_refused(&engine, &[0xff; 4096], "ones");
}

/// An artifact of another build names its engine's fingerprint; it is refused for that reason, and the
/// message says that compiling again helps.
#[test]
fn an_artifact_of_another_engine_is_refused() {
    let engine = engine();
    let whole = compile(&engine, TEXT).unwrap().serialize().unwrap();
    let fingerprint = engine.fingerprint().as_bytes();
    let Some(at) = whole
        .windows(fingerprint.len())
        .position(|w| w == fingerprint)
    else {
        // The fingerprint is hashed into the header; then the flips above have covered it.
        return;
    };
    let mut foreign = whole.clone();
    foreign[at + fingerprint.len() - 1] ^= 1;
    let error = load(&engine, &foreign).err().unwrap();
    assert!(matches!(error, Error::Artifact(_)), "{error:?}");
}

#[test]
fn a_fingerprint_names_everything_that_matters() {
    let engine = engine();
    let fingerprint = engine.fingerprint().to_string();
    for part in [
        "wasmer",
        "artifact",
        crate::common::compiler().name(),
        std::env::consts::ARCH,
    ] {
        assert!(
            fingerprint.contains(part),
            "`{part}` is not in: {fingerprint}"
        );
    }
    assert_eq!(
        fingerprint,
        crate::common::engine().fingerprint().to_string()
    );
}

#[test]
fn an_engine_without_a_compiler_runs_what_another_compiled() {
    let headless = Engine::new(&Config::new().compiler(Compiler::Headless)).unwrap();
    let engine = engine();
    let component = compile(&engine, TEXT).unwrap();
    let loaded = load(&headless, &component.serialize().unwrap()).unwrap();
    assert_eq!(
        behaviour(&headless, &loaded),
        behaviour(&engine, &component)
    );
    let error = compile(&headless, TEXT).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an engine without a compiler loads artifacts only; compile with another engine and use Component::serialize"
    );
}

#[test]
fn a_compiler_that_is_not_built_in_is_an_error_with_its_feature() {
    for compiler in Compiler::ALL {
        let engine = Engine::new(&Config::new().compiler(compiler));
        match (compiler.is_built_in(), engine) {
            (true, Ok(engine)) => assert_eq!(engine.compiler(), compiler),
            (false, Err(error)) => assert_eq!(
                error.to_string(),
                format!(
                    "the compiler `{compiler}` is not built in: build wasmer-component with its feature `{}`",
                    compiler.feature().unwrap()
                )
            ),
            (_, engine) => panic!("{compiler}: {engine:?}"),
        }
    }
}

#[test]
fn the_fingerprint_of_an_engine_names_its_compiler() {
    let headless = Engine::new(&Config::new().compiler(Compiler::Headless)).unwrap();
    let (runs, compiled) = headless.fingerprint().split_once(" compiler ").unwrap();
    assert!(compiled.starts_with("headless "), "{compiled}");
    let ours = engine();
    let (same, compiled) = ours.fingerprint().split_once(" compiler ").unwrap();
    assert_eq!(same, runs);
    let name = crate::common::compiler().name();
    assert!(compiled.starts_with(&format!("{name} ")), "{compiled}");
}
