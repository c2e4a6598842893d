//! The command line of what concerns compiled plugins: `precompile` and `cache`.

use std::{str::FromStr, time::Duration};

use clap::{Args, Subcommand};

use super::RegistryArguments;

#[derive(Debug, Args, PartialEq)]
pub struct PrecompileArguments {
    /// Names of plugins, or paths of .wasm files; all plugins there are if none is given
    #[arg(value_name = "PLUGIN")]
    pub plugins: Vec<String>,

    /// Show what was done as JSON
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub registry: RegistryArguments,
}

#[derive(Debug, Subcommand, PartialEq)]
pub enum CacheCommand {
    /// Show what is in the cache, what was used last first
    List(CacheListArguments),
    /// Remove compiled plugins; they are compiled again when they are used
    Clear(CacheClearArguments),
}

#[derive(Debug, Args, PartialEq)]
pub struct CacheListArguments {
    /// Show it as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args, PartialEq)]
pub struct CacheClearArguments {
    /// Only what was not used for so long: a number and `s`, `m`, `h` or `d`, such as `30d`
    #[arg(long, value_name = "AGE")]
    pub older_than: Option<Age>,

    /// Show what was done as JSON
    #[arg(long)]
    pub json: bool,
}

/// A span of time: `90s`, `15m`, `12h`, `30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age(pub Duration);

impl FromStr for Age {
    type Err = NoAge;

    fn from_str(text: &str) -> Result<Self, NoAge> {
        let units = [("s", 1), ("m", 60), ("h", 60 * 60), ("d", 24 * 60 * 60)];
        units
            .into_iter()
            .find_map(|(unit, seconds)| {
                let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
                number.checked_mul(seconds)
            })
            .map(|seconds| Self(Duration::from_secs(seconds)))
            .ok_or(NoAge)
    }
}

/// Not an age.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a number and a unit: `s`, `m`, `h` or `d`, such as `30d`")]
pub struct NoAge;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_numbers_with_a_unit() {
        let seconds = |text: &str| text.parse::<Age>().map(|age| age.0.as_secs());
        assert_eq!(seconds("0s"), Ok(0));
        assert_eq!(seconds("15m"), Ok(900));
        assert_eq!(seconds("12h"), Ok(43_200));
        assert_eq!(seconds("30d"), Ok(2_592_000));
        for wrong in [
            "",
            "d",
            "30",
            "-1d",
            "1.5h",
            "1w",
            "99999999999999999999s",
            "1 d",
        ] {
            assert_eq!(seconds(wrong), Err(NoAge), "{wrong}");
        }
    }
}
