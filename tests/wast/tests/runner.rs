//! The runner itself: that it fails where a script is wrong, skips only what it says it skips, goes on after everything, and what the
//! command prints and exits with.

use component_wast::{Failure, FileReport, Skip, run_script};
use std::process::Command;

/// A component whose `f` returns 42, whose `trap` is unreachable and whose `echo` gives a string back.
const COMPONENT: &str = r#"
    (component
      (core module $m
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
        (func (export "f") (result i32) (i32.const 42))
        (func (export "trap") unreachable)
        (func (export "echo") (param i32 i32) (result i32)
          (i32.store (i32.const 0) (local.get 0))
          (i32.store (i32.const 4) (local.get 1))
          (i32.const 0)))
      (core instance $i (instantiate $m))
      (func (export "f") (result u32) (canon lift (core func $i "f")))
      (func (export "trap") (canon lift (core func $i "trap")))
      (func (export "echo") (param "s" string) (result string)
        (canon lift (core func $i "echo") (memory $i "memory") (realloc (func $i "realloc")))))
"#;

fn counts(report: &FileReport) -> (usize, usize, usize) {
    (report.passed, report.failed, report.skipped)
}

/// Runs the component and then `directive`, which must fail; gives what was expected and what was got.
#[track_caller]
fn fails(directive: &str) -> (String, String) {
    let report = run_script("t.wast", &format!("{COMPONENT}\n{directive}"));
    assert_eq!(counts(&report), (1, 1, 0), "{report}");
    let Failure { expected, got, .. } = &report.failures[0];
    (expected.clone(), got.clone())
}

fn pair(expected: &str, got: &str) -> (String, String) {
    (expected.to_string(), got.to_string())
}

#[test]
fn right_directives_pass() {
    let directives = r#"
        (invoke "f")
        (assert_return (invoke "f") (u32.const 42))
        (assert_return (invoke "echo" (str.const "a")) (str.const "a"))
        (assert_trap (invoke "trap") "unreachable")
        (assert_trap (invoke "f") "cannot enter component instance")
    "#;
    let report = run_script("t.wast", &format!("{COMPONENT}{directives}"));
    assert_eq!(counts(&report), (6, 0, 0), "{report}");
}

#[test]
fn wrong_results_fail() {
    let wrong = r#"(assert_return (invoke "f") (u32.const 41))"#;
    assert_eq!(fails(wrong), pair("U32(41)", "U32(42)"));
    let wrong = r#"(assert_return (invoke "f") (s32.const 42))"#;
    assert_eq!(fails(wrong), pair("S32(42)", "U32(42)"));
    let wrong = r#"(assert_return (invoke "f"))"#;
    assert_eq!(fails(wrong), pair("no result", "U32(42)"));
    let wrong = r#"(assert_return (invoke "echo" (str.const "a")) (str.const "b"))"#;
    assert_eq!(fails(wrong), pair("String(\"b\")", "String(\"a\")"));
    let wrong = r#"(assert_return (invoke "trap"))"#;
    assert_eq!(fails(wrong), pair("no result", "a trap: unreachable"));
    let wrong = r#"(invoke "trap")"#;
    assert_eq!(fails(wrong), pair("a return", "a trap: unreachable"));
}

#[test]
fn wrong_and_missing_traps_fail() {
    let wrong = r#"(assert_trap (invoke "trap") "integer divide by zero")"#;
    let expected = "a trap: integer divide by zero";
    assert_eq!(fails(wrong), pair(expected, "a trap: unreachable"));
    let missing = r#"(assert_trap (invoke "f") "unreachable")"#;
    assert_eq!(fails(missing), pair("a trap: unreachable", "U32(42)"));
    let missing = r#"(assert_exhaustion (invoke "f") "call stack exhausted")"#;
    let expected = "a trap: call stack exhausted";
    assert_eq!(fails(missing), pair(expected, "U32(42)"));
    let missing = r#"(assert_exception (invoke "f"))"#;
    assert_eq!(fails(missing), pair("an exception", "U32(42)"));
    let missing = r#"(assert_trap (component) "unreachable")"#;
    assert_eq!(fails(missing), pair("a trap: unreachable", "an instance"));
}

#[test]
fn calls_of_what_is_not_there_fail() {
    let (expected, got) = fails(r#"(assert_return (invoke "g"))"#);
    assert_eq!(
        (expected.as_str(), got.as_str()),
        (
            "a call",
            "the component exports no function \"g\"; its exports: f, trap, echo"
        )
    );
    let (_, got) = fails(r#"(assert_trap (invoke "g") "unreachable")"#);
    assert!(
        got.starts_with("the component exports no function"),
        "{got}"
    );
    let (_, got) = fails(r#"(assert_return (invoke $nobody "f"))"#);
    assert_eq!(got, "there is no instance nobody");
    let (_, got) = fails(r#"(assert_return (invoke "f" (u32.const 1)) (u32.const 42))"#);
    assert_eq!(got, "the function is func() -> u32");
    let (expected, got) = fails(r#"(assert_return (invoke "echo" (u32.const 1)))"#);
    assert_eq!(
        (expected.as_str(), got.as_str()),
        (
            "a call",
            "echo: parameter s: the host has u32, the component string"
        )
    );
}

#[test]
fn valid_components_fail_where_they_must_be_refused() {
    let wrong = r#"(assert_invalid (component) "anything")"#;
    assert_eq!(fails(wrong), pair("invalid: anything", "a valid component"));
    let wrong = r#"(assert_malformed (component quote "(type u8)") "anything")"#;
    let expected = pair("malformed: anything", "a valid component");
    assert_eq!(fails(wrong), expected);
    let wrong = r#"(assert_invalid (module) "anything")"#;
    assert_eq!(fails(wrong), pair("invalid: anything", "a valid module"));
    let wrong = r#"(assert_unlinkable (component) "anything")"#;
    assert_eq!(fails(wrong), pair("unlinkable: anything", "an instance"));
    // A trap while it starts is not what is meant by unlinkable, ...
    let traps = "(component (core module $m (func $f unreachable) (start $f)) (core instance (instantiate $m)))";
    let wrong = format!(r#"(assert_unlinkable {traps} "anything")"#);
    let expected = pair("unlinkable: anything", "a trap: unreachable");
    assert_eq!(fails(&wrong), expected);
    // ... nor is an import that is missing a trap.
    let wrong = r#"(assert_trap (component (import "x" (func))) "anything")"#;
    let (_, got) = fails(wrong);
    assert_eq!(
        got,
        "it cannot be linked: import x (function) is not defined"
    );
}

#[test]
fn refusals_in_other_words_pass_and_are_told() {
    let report = run_script(
        "t.wast",
        r#"(assert_invalid (component (export "x" (func 0))) "no such words")"#,
    );
    assert_eq!(counts(&report), (1, 0, 0));
    assert_eq!(report.wording.len(), 1);
    assert_eq!(report.wording[0].expected, "no such words");
}

#[test]
fn what_needs_a_definition_that_failed_fails_and_says_so() {
    let report = run_script(
        "t.wast",
        r#"(component $a (import "nowhere" (func)))
(assert_return (invoke "f"))
(assert_return (invoke $a "f"))
(component definition $b (export "x" (func 0)))
(component instance $c $b)
(component instance $d $never)
(component)"#,
    );
    let got: Vec<_> = report
        .failures
        .iter()
        .map(|f| (f.line, f.directive, f.got.as_str()))
        .collect();
    let missing = "it cannot be linked: import nowhere (function) is not defined";
    let first = format!("the one of line 1 was not made: {missing}");
    assert_eq!(counts(&report), (1, 6, 0), "{report}");
    assert_eq!(
        got[..3],
        [
            (1, "component", missing),
            (2, "assert_return", first.as_str()),
            (3, "assert_return", first.as_str()),
        ]
    );
    assert_eq!(got[3].1, "component definition");
    assert!(
        got[4].2.starts_with("the one of line 4 was not made:"),
        "{}",
        got[4].2
    );
    assert_eq!(got[5], (6, "instance", "there is no definition never"));
}

#[test]
fn a_directive_that_cannot_be_read_fails_with_its_place_and_the_others_run() {
    let report = run_script("t.wast", "(component)\n(component\n  (bogus))\n(component)");
    assert_eq!(counts(&report), (2, 1, 0), "{report}");
    let failure = &report.failures[0];
    assert_eq!(
        (failure.line, failure.column, failure.directive),
        (3, 4, "parse")
    );
}

#[test]
fn a_text_that_is_no_script_is_one_failure() {
    let report = run_script("t.wast", "(component");
    assert_eq!(counts(&report), (0, 1, 0));
    assert_eq!(report.failures[0].directive, "parse");
    let report = run_script("t.wast", "(component) \"never closed");
    assert_eq!(counts(&report), (0, 1, 0));
}

#[test]
fn only_what_needs_a_missing_proposal_is_skipped_with_its_reason() {
    let report = run_script(
        "t.wast",
        r#"(component
  (core func $yield (canon thread.yield))
  (core module $m (import "" "y" (func $y (result i32))) (func (export "f") (result i32) (call $y)))
  (core instance $i (instantiate $m (with "" (instance (export "y" (func $yield))))))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))
(assert_return (invoke "f") (u32.const 0))
(assert_return (invoke "f") (u32.const 0))
(assert_suspension (invoke "f") "")
(wait $t)"#,
    );
    assert_eq!(counts(&report), (1, 0, 4), "{report}");
    let called = "it needs the async proposal: the component needs the asynchronous built-in thread-yield, which this runtime does not have";
    let skip = |line, directive, reason: &str| Skip {
        line,
        column: 2,
        directive,
        reason: reason.to_string(),
    };
    let again = format!("a call of it was skipped: {called}");
    let expected = [
        skip(6, "assert_return", called),
        skip(7, "assert_return", &again),
        skip(
            8,
            "assert_suspension",
            "it needs the stack-switching proposal",
        ),
        skip(9, "wait", "it needs the threads proposal"),
    ];
    assert_eq!(report.skips, expected);
}

#[test]
fn core_modules_run_on_wasmer() {
    let report = run_script(
        "t.wast",
        r#"
        (module $a
          (global (export "g") i32 (i32.const 7))
          (func (export "nan") (result f32) (f32.const nan))
          (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
          (func (export "trap") unreachable)
          (tag $t)
          (func (export "throw") (throw $t)))
        (assert_return (invoke "add" (i32.const 1) (i32.const 2)) (i32.const 3))
        (assert_return (invoke "nan") (f32.const nan:canonical))
        (assert_return (get "g") (i32.const 7))
        (assert_trap (invoke "trap") "unreachable")
        (assert_exception (invoke "throw"))
        (register "a" $a)
        (module definition $b (import "a" "add" (func $add (param i32 i32) (result i32))) (func (export "four") (result i32) (call $add (i32.const 2) (i32.const 2))))
        (module instance $c $b)
        (assert_return (invoke $c "four") (i32.const 4))
        (assert_invalid (module (func (result i32))) "type mismatch")
        (assert_malformed (module quote "(func (bogus))") "unknown operator")
        (assert_unlinkable (module (import "nowhere" "f" (func))) "unknown import")
        (assert_trap (module (func $f unreachable) (start $f)) "unreachable")
        "#,
    );
    assert_eq!(counts(&report), (14, 0, 0), "{report}");
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_component-wast"))
}

#[test]
fn the_command_prints_counts_and_exits_by_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = folder.path().join("good.wast");
    let bad = folder.path().join("bad.wast");
    std::fs::write(&good, "(component)\n(component)").expect("a script");
    std::fs::write(&bad, "(component)\n  (assert_invalid (component) \"x\")").expect("a script");
    let (good, bad) = (good.display().to_string(), bad.display().to_string());

    let output = command().arg(&good).output().expect("the command");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        (output.status.code(), text),
        (
            Some(0),
            format!("{good}: 2/0/0\n2 passed, 0 failed, 0 skipped\n")
        )
    );

    let output = command().arg(folder.path()).output().expect("the command");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = format!(
        "{bad}: 1/1/0\n  {bad}:2:4: assert_invalid failed\n    expected: invalid: x\n    got:      a valid component\n\
         {good}: 2/0/0\n3 passed, 1 failed, 0 skipped\n"
    );
    assert_eq!((output.status.code(), text), (Some(1), expected));

    let output = command()
        .args(["--json", &bad])
        .output()
        .expect("the command");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let expected = [
        serde_json::json!({
            "file": bad, "passed": 1, "failed": 1, "skipped": 0,
            "failures": [{"line": 2, "column": 4, "directive": "assert_invalid", "expected": "invalid: x", "got": "a valid component"}],
            "skips": [],
        }),
        serde_json::json!({"total": {"files": 1, "passed": 1, "failed": 1, "skipped": 0}}),
    ];
    assert_eq!((output.status.code(), lines), (Some(1), expected.to_vec()));
}

#[test]
fn wrong_arguments_exit_with_2() {
    let empty = tempfile::tempdir().expect("a folder");
    let nothing = empty.path().join("nothing.wast").display().to_string();
    let empty = empty.path().display().to_string();
    for arguments in [
        vec![],
        vec![nothing.as_str()],
        vec![empty.as_str()],
        vec!["--bogus"],
    ] {
        let output = command().args(&arguments).output().expect("the command");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_file_that_is_no_text_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bytes.wast");
    std::fs::write(&file, [0xff, 0xfe]).expect("a file");
    let report = component_wast::run_file(&file);
    assert_eq!(counts(&report), (0, 1, 0));
    assert_eq!(report.failures[0].expected, "a text in UTF-8");
}
