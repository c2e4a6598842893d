//! `new` on the command line; that its projects build, in every language, is for `tests/languages` to see.

use anyhow::{Result, ensure};
use chipmunk_e2e::{Command, Dir};

fn new(dir: &Dir, arguments: &[&str]) -> Result<chipmunk_e2e::Run> {
    Command::new(["new"])?
        .args(arguments)
        .current_dir(dir.root())
        .run()
}

#[test]
fn a_project_is_where_it_was_asked_for() -> Result<()> {
    let dir = Dir::new()?;
    let run = new(&dir, &["parser", "my-parser", "--lang", "c"])?.succeeded()?;
    ensure!(
        run.text()?.contains("my-parser/build.sh"),
        "{}",
        run.text()?
    );
    let arguments = [
        "source",
        "my-source",
        "--lang",
        "js",
        "--path",
        "some/where/else",
    ];
    new(&dir, &arguments)?.succeeded()?;
    assert_eq!(dir.names()?, ["my-parser", "some"]);
    for file in [
        "README.md",
        "build.sh",
        "src/plugin.js",
        "sdk/js/build.sh",
        "wit/worlds.wit",
    ] {
        ensure!(
            !dir.read(&format!("some/where/else/{file}"))?.is_empty(),
            "{file}"
        );
    }
    Ok(())
}

#[test]
fn what_is_there_is_left_alone() -> Result<()> {
    let dir = Dir::new()?;
    std::fs::create_dir(dir.path("empty"))?;
    dir.write("file", "mine")?;
    for place in ["empty", "file", "."] {
        new(&dir, &["parser", "x", "--lang", "c", "--path", place])?
            .refused(2, &[place, "is there already", "--path"])?;
    }
    new(&dir, &["parser", "x", "--lang", "c", "--path", "file/in"])?.refused(1, &["file/in"])?;
    assert_eq!(dir.names()?, ["empty", "file"]);
    assert_eq!(dir.read("file")?, b"mine");
    Ok(())
}

#[test]
fn names_and_languages_that_there_are_not() -> Result<()> {
    let dir = Dir::new()?;
    for (name, word) in [
        ("MyParser", "such as `my-parser`"),
        ("../up", "such as `up`"),
        ("fn", "`fn-plugin`"),
        ("", "kebab-case"),
    ] {
        new(&dir, &["parser", name, "--lang", "rust"])?.refused(2, &[word])?;
    }
    new(&dir, &["parser", "x", "--lang", "cobol"])?.refused(2, &["cobol", "python"])?;
    new(&dir, &["parser", "x"])?.refused(2, &["--lang"])?;
    new(&dir, &["exporter", "x", "--lang", "c"])?.refused(2, &["parser", "source"])?;
    assert_eq!(dir.names()?, [""; 0]);
    Ok(())
}
