//! What a plugin is initialised with: defaults, plugins.toml, `--set`; and what is refused before it hears of it.

use anyhow::{Context, Result, ensure};
use chipmunk_e2e::{
    Command, Dir, Run,
    guest::{Guest, ItemKind},
};
use chipmunk_payload::{BatchWriter, SourceWriter, State, Tail};

const ITEMS: [(&str, ItemKind<'_>); 7] = [
    ("strict", ItemKind::Boolean(true)),
    ("depth", ItemKind::Integer(-2)),
    ("scale", ItemKind::Float(0.5)),
    ("title", ItemKind::Text("so; it = is")),
    ("folders", ItemKind::Directories),
    ("names", ItemKind::Files(&["xml", "json"])),
    (
        "mode",
        ItemKind::Dropdown(&["slow", "fast", "faster"], "fast"),
    ),
];

/// A folder with the witness, a plugins.toml that configures it so, and an input of one byte.
fn house(config: &str) -> Result<Dir> {
    let dir = Dir::new()?;
    let mut batch = BatchWriter::new();
    batch.message(1, 0..1, false);
    let witness = Guest::witness()
        .schema(&ITEMS)
        .archive(&batch.finish(Tail::Complete));
    std::fs::create_dir(dir.path("conf"))?;
    dir.write("conf/witness.wasm", witness.build()?)?;
    dir.write(
        "conf/plugins.toml",
        format!(
            "[[plugins]]\nname = \"witness\"\npath = \"witness.wasm\"\n[plugins.config]\n{config}"
        ),
    )?;
    dir.write("in", "x")?;
    Ok(dir)
}

fn export(dir: &Dir, settings: &[&str]) -> Result<Run> {
    let mut command = Command::new(["export", "in", "--format=raw", "-o=out"])?
        .args(["--source=native", "--parser=witness"])
        .args(["--config=conf/plugins.toml"])
        .current_dir(dir.root())
        .cache(&dir.path("cache"));
    for setting in settings {
        command = command.args(["--set", setting]);
    }
    command.run()
}

/// The lines that the plugin wrote to its log.
fn log(run: &Run) -> Result<Vec<&str>> {
    let line = |line: &'_ str| -> Option<(usize, usize)> {
        let start = line.find("WARN ")? + 5;
        Some((start, line.rfind(" plugin=")?))
    };
    run.stderr
        .lines()
        .map(|text| {
            let (start, end) = line(text).with_context(|| run.stderr.clone())?;
            text.get(start..end).context("a line")
        })
        .collect()
}

#[test]
fn every_item_is_passed_with_its_default() -> Result<()> {
    let dir = house("")?;
    let run = export(&dir, &[])?.succeeded()?;
    let expected = [
        "strict",
        "b",
        "00000001",
        "depth",
        "i",
        "fffffffe",
        "scale",
        "f",
        "3f000000",
        "title",
        "t",
        "so; it = is",
        "folders",
        "d",
        "names",
        "f",
        "mode",
        "o",
        "fast",
    ];
    assert_eq!(log(&run)?, expected);
    Ok(())
}

#[test]
fn values_of_the_file_and_of_the_command_line() -> Result<()> {
    let dir = house(
        "strict = false\ndepth = 2147483647\nscale = 3\ntitle = \"by file\"\nfolders = [\"sub\", \"..\"]\nnames = \"sub/a.xml\"\n\
         mode = \"slow\"\n",
    )?;
    std::fs::create_dir(dir.path("conf/sub"))?;
    dir.write("conf/sub/a.xml", "a")?;
    dir.write("b.JSON", "b")?;
    let root = dir.root().canonicalize()?;
    let path = |name: &str| root.join(name).display().to_string();
    let (sub, a, b) = (path("conf/sub"), path("conf/sub/a.xml"), path("b.JSON"));
    let root = root.display().to_string();

    // Paths in the file are relative to it.
    let run = export(&dir, &[])?.succeeded()?;
    let expected = [
        "strict", "b", "00000000", "depth", "i", "7fffffff", "scale", "f", "40400000", "title",
        "t", "by file", "folders", "d", &sub, &root, "names", "f", &a, "mode", "o", "slow",
    ];
    assert_eq!(log(&run)?, expected);

    // Those of the command line to where it is given; and paths add up, where of others the last one counts.
    let settings = [
        "strict=true",
        "depth=1",
        "depth=-2147483648",
        "scale=-1e-3",
        "title=by=set",
        "folders=conf",
        "names=b.JSON",
        "names=conf/sub/a.xml",
        "mode=faster",
    ];
    let run = export(&dir, &settings)?.succeeded()?;
    let conf = path("conf");
    let scale = format!("{:08x}", (-1e-3_f32).to_bits());
    let expected = [
        "strict", "b", "00000001", "depth", "i", "80000000", "scale", "f", &scale, "title", "t",
        "by=set", "folders", "d", &conf, "names", "f", &b, &a, "mode", "o", "faster",
    ];
    assert_eq!(log(&run)?, expected);
    Ok(())
}

#[test]
fn wrong_values_are_refused_with_what_is_allowed() -> Result<()> {
    let number = "from -2147483648 to 2147483647";
    let float = "between -3.4e38 and 3.4e38";
    for (id, set, toml, words) in [
        ("strict", "yes", "\"true\"", &["`true` or `false`"][..]),
        ("depth", "2147483648", "2147483648", &[number, "2147483648"]),
        ("depth", "1.0", "1.5", &[number]),
        ("depth", "", "\"\"", &[number]),
        ("scale", "1e39", "1e39", &[float]),
        ("scale", "inf", "inf", &[float, "inf"]),
        ("scale", "1,5", "true", &[float]),
        (
            "mode",
            "fastre",
            "\"fastre\"",
            &[
                "`fastre`",
                "did you mean `faster`?",
                "`slow`, `fast`, `faster`",
            ],
        ),
        ("mode", "SLOW", "\"\"", &["`slow`, `fast`, `faster`"]),
        (
            "folders",
            "missing",
            "\"missing\"",
            &["paths of directories", "missing", "No such file"],
        ),
        ("folders", "in", "\"../in\"", &["in", "no directory"]),
        (
            "names",
            "missing.xml",
            "[\"missing.xml\"]",
            &["paths of files", "missing.xml", "No such file"],
        ),
        (
            "names",
            "conf",
            "[\".\"]",
            &["it is a directory, and a file is wanted"],
        ),
    ] {
        let dir = house("")?;
        let words = [&["plugin `witness`: configuration item", id], words].concat();
        let set = format!("{id}={set}");
        let error = export(&dir, &[&set])?.refused(2, &words).context(set)?;
        ensure!(
            error.contains(&format!("correct `--set {id}=...`")),
            "{error}"
        );

        let dir = house(&format!("{id} = {toml}\n"))?;
        let error = export(&dir, &[])?.refused(1, &words).context(toml)?;
        ensure!(
            error.contains(&format!("correct `{id}` under `[plugins.config]`")),
            "{error}"
        );
        assert_eq!(dir.names()?, ["cache", "conf", "in"], "{error}");
    }
    Ok(())
}

#[test]
fn items_that_are_not_there() -> Result<()> {
    let known = "`strict`, `depth`, `scale`, `title`, `folders`, `names`, `mode`";
    let dir = house("")?;
    export(&dir, &["sclae=1"])?.refused(2, &["`sclae`", "did you mean `scale`?", known])?;
    let dir = house("colour = 1\n")?;
    let error = export(&dir, &[])?.refused(1, &["plugin `witness`", "`colour`", known])?;
    ensure!(!error.contains("did you mean"), "{error}");
    // What is no value at all is known with its line.
    let dir = house("depth = 1\ntitle = { a = 1 }\n")?;
    export(&dir, &[])?.refused(
        1,
        &[
            "plugins.toml:",
            "a configuration value is",
            "a list of texts",
        ],
    )?;
    Ok(())
}

#[test]
fn a_file_of_another_extension_is_worth_a_word() -> Result<()> {
    let dir = house("")?;
    dir.write("names.txt", "a")?;
    let run = export(&dir, &["names=names.txt"])?.succeeded()?;
    let hint = run.stderr.lines().next().context("a line")?;
    for word in ["WARN", "`names`", ".xml, .json", "names.txt"] {
        ensure!(hint.contains(word), "{}", run.stderr);
    }
    Ok(())
}

#[test]
fn inspect_shows_items_and_what_is_configured() -> Result<()> {
    let dir = house(
        "mode = \"slow\"\n[plugins.grants]\nfiles = [{ host = \"../in\", access = \"read-write\" }]\n",
    )?;
    let inspect = |more: &[&str]| {
        Command::new(["inspect", "witness", "--config=conf/plugins.toml"])?
            .args(more)
            .current_dir(dir.root())
            .cache(&dir.path("cache"))
            .run()?
            .succeeded()
    };
    let page = inspect(&[])?;
    for words in [
        "read and write the file conf/../in",
        "strict=true (true or false)",
        "depth=-2 (a whole number of 32 bits)",
        "scale=0.5 (a number)",
        "title=\"so; it = is\" (text)",
        "folders (directories)",
        "names (files: xml, json)",
        "mode=fast (one of slow, fast, faster)",
        "mode=slow by plugins.toml",
    ] {
        ensure!(page.text()?.contains(words), "{words}: {}", page.text()?);
    }
    let json: serde_json::Value = serde_json::from_slice(&inspect(&["--json"])?.stdout)?;
    let kinds: Vec<_> = json
        .get("schema")
        .and_then(serde_json::Value::as_array)
        .context("a schema")?
        .iter()
        .filter_map(|item| item.get("input_type"))
        .cloned()
        .collect();
    let expected = serde_json::json!([
        {"boolean": true}, {"integer": -2}, {"float": 0.5}, {"text": "so; it = is"}, "directories",
        {"files": ["xml", "json"]}, {"dropdown": [["slow", "fast", "faster"], "fast"]},
    ]);
    assert_eq!(serde_json::Value::Array(kinds), expected);
    assert_eq!(
        json.get("config"),
        Some(&serde_json::json!({"mode": "slow"}))
    );
    Ok(())
}

#[test]
fn directories_of_the_configuration_are_granted_and_nothing_beside_them() -> Result<()> {
    let dir = Dir::new()?;
    std::fs::create_dir_all(dir.path("conf/open/sub"))?;
    dir.write("conf/open/sub/deep", "x")?;
    dir.write("conf/open/secret", "x")?;
    dir.write("in", "x")?;
    let spy = Guest::spy(&["deep", "secret", "../secret", "in"])
        .schema(&[
            ("input", ItemKind::Files(&[])),
            ("folders", ItemKind::Directories),
        ])
        .archive(&SourceWriter::with_capacity(0).finish(State::End));
    dir.write("conf/spy.wasm", spy.build()?)?;
    let opened = |config: &str, settings: &[&str]| -> Result<Vec<String>> {
        dir.write(
            "conf/plugins.toml",
            format!("[[plugins]]\nname = \"spy\"\npath = \"spy.wasm\"\n{config}"),
        )?;
        let run = Command::new(["export", "in", "--source=spy", "--parser=native"])?
            .args(["--config=conf/plugins.toml"])
            .args(settings)
            .current_dir(dir.root())
            .cache(&dir.path("cache"))
            .run()?
            .succeeded()?;
        Ok(log(&run)?.into_iter().map(str::to_owned).collect())
    };
    assert_eq!(opened("", &[])?, ["in"]);
    let mut found = opened("config.folders = \"open/sub\"\n", &[])?;
    found.sort();
    assert_eq!(found, ["deep", "in"]);
    let mut found = opened(
        "config.folders = \"open\"\n",
        &["--set=folders=conf/open/sub"],
    )?;
    found.sort();
    assert_eq!(found, ["deep", "in"]);
    // Granted already, by another way to it.
    let mut found = opened(
        "config.folders = \"open/sub\"\ngrants.directories = [{ host = \"../conf/open/sub\" }]\n",
        &[],
    )?;
    found.sort();
    assert_eq!(found, ["deep", "in"]);
    Ok(())
}

#[test]
fn a_source_of_several_files_is_told_which_is_the_input() -> Result<()> {
    let dir = Dir::new()?;
    dir.write("in", "x")?;
    dir.write("index", "x")?;
    let spy = Guest::spy(&["in", "index"])
        .schema(&[
            ("index", ItemKind::Files(&[])),
            ("data", ItemKind::Files(&[])),
        ])
        .archive(&SourceWriter::with_capacity(0).finish(State::End));
    dir.write("spy.wasm", spy.build()?)?;
    let export = |settings: &[&str]| {
        Command::new(["export", "in", "--source=./spy.wasm", "--parser=native"])?
            .args(settings)
            .current_dir(dir.root())
            .cache(&dir.path("cache"))
            .run()
    };
    export(&[])?.refused(2, &["`index`, `data`", "--set index=in"])?;
    let run = export(&["--set=data=in", "--set=index=index"])?.succeeded()?;
    let mut found = log(&run)?;
    found.sort();
    assert_eq!(found, ["in", "index"]);
    Ok(())
}

#[test]
fn validate_takes_settings() -> Result<()> {
    let dir = Dir::new()?;
    dir.write("notes.txt", "some text")?;
    let validate = |settings: &[&str]| {
        Command::new(["validate", "file-source"])?
            .args(settings)
            .current_dir(dir.root())
            .run()
    };
    let run = validate(&[])?.succeeded()?;
    ensure!(
        run.text()?.contains("skipped  init and read"),
        "{}",
        run.text()?
    );
    let run = validate(&["--set", "input=notes.txt"])?.succeeded()?;
    ensure!(
        run.text()?.contains("read 9 bytes in a valid archive"),
        "{}",
        run.text()?
    );
    let run = validate(&["--set", "inptu=notes.txt"])?;
    ensure!(
        run.code == Some(2) && run.stderr.contains("did you mean `input`?"),
        "{}",
        run.stderr
    );
    Ok(())
}
