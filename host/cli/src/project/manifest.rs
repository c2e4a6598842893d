//! Manifests of the Rust SDK's crates, taken out of their workspaces.
//!
//! In this checkout they inherit versions, dependencies and lints; in a project of somebody's own there is nothing to
//! inherit from. So what is inherited is filled in, as cargo does when it packages a crate, and what only tests need goes.

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

/// Parts of a manifest that are for the checkout only.
const FOR_THE_CHECKOUT: [&str; 4] = ["dev-dependencies", "lints", "example", "bench"];

/// The manifest `text` as one that stands for itself. `workspaces` are the manifests to inherit from, the first one first; paths of
/// theirs are looked up in `places`: what is there is a neighbour of the crate in the project.
///
/// # Errors
/// One of them is none, or something inherited is nowhere.
pub fn standalone(text: &str, workspaces: &[&str], places: &[(&str, &str)]) -> Result<String> {
    let parents = workspaces
        .iter()
        .map(|text| text.parse::<Table>().context("a workspace's manifest"))
        .collect::<Result<Vec<_>>>()?;
    let inherited = |path: &[&str]| {
        parents.iter().find_map(|parent| {
            let mut value = parent.get("workspace")?;
            for key in path {
                value = value.get(*key)?;
            }
            Some(value.clone())
        })
    };
    let mut manifest: Table = text.parse().context("a crate's manifest")?;
    for part in FOR_THE_CHECKOUT {
        manifest.remove(part);
    }
    if let Some(Value::Table(package)) = manifest.get_mut("package") {
        package.remove("workspace");
        for (key, value) in package.iter_mut() {
            if is_inherited(value) {
                *value = inherited(&["package", key])
                    .with_context(|| format!("`package.{key}` is inherited from nowhere"))?;
            }
        }
        package.insert("publish".to_owned(), Value::Boolean(false));
    }
    let fill = |dependencies: &mut Table| -> Result<()> {
        for (name, dependency) in dependencies.iter_mut() {
            if !is_inherited(dependency) {
                continue;
            }
            let found = inherited(&["dependencies", name])
                .with_context(|| format!("the dependency `{name}` is inherited from nowhere"))?;
            let mut whole = match found {
                Value::String(version) => {
                    Table::from_iter([("version".to_owned(), version.into())])
                }
                Value::Table(table) => table,
                other => bail!("the dependency `{name}` is {other}"),
            };
            if let Some(path) = whole.get_mut("path") {
                let place = places.iter().find(|(path, _)| *path == name);
                let (_, place) = place.with_context(|| format!("`{name}` has no place"))?;
                *path = Value::from(*place);
            }
            if let Value::Table(own) = &*dependency {
                for (key, value) in own.iter().filter(|(key, _)| *key != "workspace") {
                    whole.insert(key.clone(), value.clone());
                }
            }
            *dependency = Value::Table(whole);
        }
        Ok(())
    };
    if let Some(Value::Table(dependencies)) = manifest.get_mut("dependencies") {
        fill(dependencies)?;
    }
    if let Some(Value::Table(targets)) = manifest.get_mut("target") {
        for target in targets.iter_mut().map(|(_, target)| target) {
            if let Some(Value::Table(dependencies)) = target.get_mut("dependencies") {
                fill(dependencies)?;
            }
        }
    }
    toml::to_string_pretty(&manifest).context("a manifest")
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inherited_is_filled_in() {
        let parent = r#"
[workspace.package]
version = "1.2.3"
[workspace.dependencies]
near = { path = "../near", default-features = false }
far = "2"
"#;
        let child = r#"
[package]
name = "child"
workspace = "../there"
version.workspace = true
[dependencies]
near = { workspace = true, features = ["std"] }
far.workspace = true
own = "3"
[target.'cfg(unix)'.dependencies]
near = { workspace = true, features = ["reader"] }
[dev-dependencies]
proptest.workspace = true
[lints]
workspace = true
"#;
        let found = standalone(child, &[parent], &[("near", "../beside")]).expect("all is there");
        let expected: Table = r#"
[package]
name = "child"
version = "1.2.3"
publish = false
[dependencies]
near = { path = "../beside", default-features = false, features = ["std"] }
far = { version = "2" }
own = "3"
[target.'cfg(unix)'.dependencies]
near = { path = "../beside", default-features = false, features = ["reader"] }
"#
        .parse()
        .expect("the test's own text");
        assert_eq!(found.parse::<Table>(), Ok(expected));
        let error = standalone(child, &["[workspace]"], &[]).expect_err("nothing to inherit");
        assert_eq!(
            error.to_string(),
            "`package.version` is inherited from nowhere"
        );
    }
}
