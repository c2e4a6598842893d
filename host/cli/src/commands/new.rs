//! `new`: a project for a plugin, ready to be built.

use std::path::PathBuf;

use crate::{
    Outcome, Usage,
    args::{NewArguments, ProjectKind},
    output,
    project::{Project, check_name},
};

/// Makes the project, and says what to do with it.
pub fn run(arguments: &NewArguments) -> anyhow::Result<Outcome> {
    let name = arguments.name.as_str();
    check_name(name).map_err(Usage)?;
    let folder = arguments
        .path
        .clone()
        .unwrap_or_else(|| PathBuf::from(name));
    // A link that leads nowhere is there, too.
    if folder.symlink_metadata().is_ok() {
        let folder = folder.display();
        return Err(Usage(format!(
            "{folder} is there already: name another folder with `--path`, or move it away"
        ))
        .into());
    }
    let project = Project {
        name,
        kind: arguments.kind,
        language: arguments.lang,
    };
    project.write(&folder)?;
    let folder = folder.display();
    let how = match arguments.kind {
        ProjectKind::Parser => {
            format!("chipmunk-plugins export {folder}/test/input.txt --parser {folder}/{name}.wasm")
        }
        ProjectKind::Source => format!(
            "chipmunk-plugins export {folder}/test/input.txt --source {folder}/{name}.wasm --parser native:text"
        ),
    };
    output::show(&format!(
        "The project is in {folder}; its README.md says what is where. Build the plugin and use it:\n\n  {folder}/build.sh\n  {how}\n"
    ))?;
    Ok(Outcome::Done)
}
