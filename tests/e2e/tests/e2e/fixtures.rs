//! Binary plugins of each version of the API, which run as they are: what they are made of is told beside them.

use std::path::Path;

use anyhow::{Result, ensure};
use chipmunk_e2e::{Command, Dir};

#[test]
fn a_plugin_of_each_version_runs_as_it_was_built() -> Result<()> {
    let dir = Dir::new()?;
    let text = dir.write("notes.txt", "one\r\ntwo, three\n\nf\u{fc}nf\nlast")?;
    let expected = "one\ntwo, three\n\nf\u{fc}nf\nlast\n".as_bytes();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for version in ["0.1.0", "0.2.0"] {
        let plugin = folder.join(format!("text-parser-{version}.wasm"));
        let plugin = plugin.to_string_lossy();
        let run = Command::export(&text, ("native", &plugin))?.run()?;
        let found = run.succeeded()?.stdout;
        ensure!(
            found == expected,
            "{version}: {:?}",
            String::from_utf8_lossy(&found)
        );
        let run = Command::new(["inspect", "--json", &plugin])?.run()?;
        let shown = run.succeeded()?;
        let api = format!("\"api\":\"{version}\"");
        let shown: String = shown.text()?.split_whitespace().collect();
        ensure!(shown.contains(&api), "{shown}");
    }
    Ok(())
}
