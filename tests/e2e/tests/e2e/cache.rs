//! Compiled plugins are kept, and a cache that is not as it was left is a cache that is empty.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use chipmunk_e2e::{Command, Dir, Run};

fn export(dir: &Dir, cache: &Path) -> Result<Run> {
    let command = Command::export(dir.path("trace.dlt"), ("file-source", "dlt-parser"))?;
    command.cache(cache).run()?.succeeded()
}

fn outcome(run: &Run) -> Result<String> {
    Ok(run.stats()?.cache.unwrap_or_default())
}

#[test]
fn the_second_run_does_not_compile() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(100, 0, 150, 1)?;
    let cache = dir.path("cache");
    let cold = export(&dir, &cache)?;
    let warm = export(&dir, &cache)?;
    assert_eq!(
        (outcome(&cold)?, outcome(&warm)?),
        ("miss".to_owned(), "hit".to_owned())
    );
    assert_eq!(cold.stdout, warm.stdout);
    let (cold, warm) = (cold.stats()?.start_ms, warm.stats()?.start_ms);
    ensure!(warm < cold, "{warm} ms is not less than {cold} ms");
    Ok(())
}

/// What becomes of an artifact's bytes.
type Damage = fn(&mut Vec<u8>);

#[test]
fn a_damaged_cache_is_compiled_anew() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(100, 0, 150, 1)?;
    let cache = dir.path("cache");
    let expected = export(&dir, &cache)?.stdout;
    let damages: [(&str, Damage); 4] = [
        ("a bit turned over in the middle", |bytes| {
            let middle = bytes.len() / 2;
            bytes
                .iter_mut()
                .skip(middle)
                .take(1)
                .for_each(|byte| *byte ^= 1);
        }),
        ("its end cut off", |bytes| bytes.truncate(bytes.len() - 1)),
        ("empty", Vec::clear),
        ("something else", |bytes| bytes.fill(b'x')),
    ];
    for (damage, apply) in damages {
        let mut damaged = 0;
        for entry in fs::read_dir(&cache)? {
            let path = entry?.path();
            let mut bytes = fs::read(&path)?;
            apply(&mut bytes);
            fs::write(&path, bytes)?;
            damaged += 1;
        }
        ensure!(damaged >= 2, "{damaged} files in the cache");
        let run = export(&dir, &cache)?;
        assert_eq!(
            (outcome(&run)?.as_str(), &run.stdout),
            ("miss", &expected),
            "{damage}"
        );
        let run = export(&dir, &cache)?;
        assert_eq!(
            (outcome(&run)?.as_str(), &run.stdout),
            ("hit", &expected),
            "{damage}"
        );
    }
    Ok(())
}

#[test]
fn a_plugin_that_was_changed_is_compiled_anew() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(100, 0, 150, 1)?;
    let cache = dir.path("cache");
    let parser = dir.path("dlt-parser.wasm");
    let mut content = fs::read(chipmunk_e2e::plugin("dlt-parser")?)?;
    let parser_name = parser.display().to_string();
    let run = |content: &[u8]| -> Result<String> {
        fs::write(&parser, content)?;
        let command = Command::export(dir.path("trace.dlt"), ("native", &parser_name))?;
        outcome(&command.cache(&cache).run()?.succeeded()?)
    };
    assert_eq!(
        (run(&content)?, run(&content)?),
        ("miss".to_owned(), "hit".to_owned())
    );
    // A custom section of two bytes: another file, the same plugin.
    content.extend([0, 2, 1, b'x']);
    assert_eq!(
        (run(&content)?, run(&content)?),
        ("miss".to_owned(), "hit".to_owned())
    );
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_cache_that_others_can_reach_is_not_used() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new()?;
    dir.trace(100, 0, 150, 1)?;
    let cache = dir.path("cache");
    fs::create_dir(&cache)?;
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777))?;
    for _ in 0..2 {
        assert_eq!(outcome(&export(&dir, &cache)?)?, "miss");
    }
    assert_eq!(fs::read_dir(&cache)?.count(), 0);
    Ok(())
}

fn text(run: &Run) -> String {
    String::from_utf8_lossy(&run.stdout).into_owned()
}

#[test]
fn precompiled_plugins_are_listed_used_and_cleared() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(100, 0, 150, 1)?;
    let cache = dir.path("cache");
    let run = |arguments: &[&str]| Command::new(arguments)?.cache(&cache).run()?.succeeded();
    let json = |arguments: &[&str]| -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(&run(arguments)?.stdout)?)
    };
    // Nothing is made by looking.
    let empty = json(&["cache", "list", "--json"])?;
    assert_eq!(empty["artifacts"], serde_json::json!([]));
    assert_eq!(
        run(&["cache", "clear"])?.stdout,
        b"removed 0 compiled plugins, 0 bytes; 0 are left, 0 bytes\n"
    );
    ensure!(!cache.exists(), "`cache` made a directory");

    let done = json(&["precompile", "dlt-parser", "file-source", "--json"])?;
    let told = |name: &str| {
        done.as_array()
            .into_iter()
            .flatten()
            .map(|plugin| plugin[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(told("plugin"), ["dlt-parser", "file-source"]);
    assert_eq!(told("cache"), ["miss", "miss"]);
    assert_eq!(told("compiler"), ["cranelift", "cranelift"]);
    let again = text(&run(&["precompile", "dlt-parser"])?);
    ensure!(
        again.starts_with("dlt-parser       in the cache already "),
        "{again}"
    );
    assert_eq!(outcome(&export(&dir, &cache)?)?, "hit");

    let listed = json(&["cache", "list", "--json"])?;
    let mut plugins: Vec<_> = listed["artifacts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|artifact| artifact["plugin"].clone())
        .collect();
    plugins.sort_by_key(ToString::to_string);
    assert_eq!(plugins, ["dlt-parser", "file-source"]);
    let table = text(&run(&["cache", "list"])?);
    ensure!(
        table.contains("2 compiled plugins, ") && table.contains(" of at most 536870912 bytes"),
        "{table}"
    );

    assert_eq!(
        json(&["cache", "clear", "--older-than", "1d", "--json"])?["kept"],
        2
    );
    assert_eq!(json(&["cache", "clear", "--json"])?["removed"], 2);
    assert_eq!(outcome(&export(&dir, &cache)?)?, "miss");
    Ok(())
}

#[test]
fn all_plugins_are_precompiled_if_none_is_named_and_one_that_fails_stops_no_other() -> Result<()> {
    let dir = Dir::new()?;
    let cache = dir.path("cache");
    fs::copy(
        chipmunk_e2e::plugin("file-source")?,
        dir.path("file-source.wasm"),
    )?;
    fs::write(dir.path("broken.wasm"), "this is no plugin")?;
    fs::write(dir.path("plugins.toml"), "directories = [\".\"]\n")?;
    let config = dir.path("plugins.toml").display().to_string();
    let run = Command::new(["precompile", "--json", "--config", &config])?
        .cache(&cache)
        .run()?;
    assert_eq!(run.code, Some(1));
    let error = run.stderr.clone();
    ensure!(
        error.contains("broken") && error.contains("could not be compiled"),
        "{error}"
    );
    let done: serde_json::Value = serde_json::from_slice(&run.stdout)?;
    let names: Vec<_> = done
        .as_array()
        .into_iter()
        .flatten()
        .map(|plugin| plugin["plugin"].to_string())
        .collect();
    ensure!(names.contains(&"\"file-source\"".to_owned()), "{names:?}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_cache_that_is_not_private_is_neither_filled_nor_cleared() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new()?;
    let cache = dir.path("cache");
    fs::create_dir(&cache)?;
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o755))?;
    for arguments in [&["precompile"][..], &["cache", "list"], &["cache", "clear"]] {
        let run = Command::new(arguments)?.cache(&cache).run()?;
        let error = run.stderr.clone();
        ensure!(
            run.code == Some(1) && error.contains("its mode is 755; do `chmod 700`"),
            "{arguments:?}: {error}"
        );
    }
    Ok(())
}
