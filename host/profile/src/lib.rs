//! A sampling profiler for programs that run guests: host and guest frames in one flamegraph.
//!
//! A program is run as a child and stopped many times a second from outside ([`record`], with `ptrace`); each time the stack of every
//! thread that is on a processor is walked. Nothing runs inside the program, no signal handler and no unwinder, so that a profile
//! cannot make it crash or hang: what goes wrong here is a worse picture.
//!
//! Frames of the host are unwound with the tables in its files, frames of guests by their frame pointers, which Cranelift always
//! keeps, and across wasmer's change of stacks by what is known of it. What the addresses of guest code mean the program tells
//! itself, in a file in the format that `perf` reads (`/tmp/perf-PID.map`: address, length, name).
//!
//! Linux on x86-64 only. This crate has never heard of plugins, and knows of wasmer one symbol.

mod flamegraph;
mod guest_map;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod host_modules;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod ptrace;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod record;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stack;

use std::collections::BTreeMap;

pub use flamegraph::draw;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use record::record;

/// What was seen: how often each stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Samples by stack, outermost frame first.
    pub stacks: BTreeMap<Vec<Frame>, u64>,
    /// Samples whose stack could be walked to its end, and whose innermost function has a name, or is in a file that has one.
    pub attributed: u64,
}

/// One frame of a stack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame {
    /// Whose code it is.
    pub side: Side,
    /// The function's name, or that of its file in brackets; none for an address that nobody knows.
    pub name: Option<String>,
}

/// Whose code a frame is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The program's own, and its libraries'.
    Host,
    /// A guest's, as compiled by wasmer.
    Guest,
}

/// A summary of a [`Profile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Samples.
    pub samples: u64,
    /// Those whose stack was walked to its end, with a name for the function they are in.
    pub attributed: u64,
    /// Those that are in a guest's function.
    pub in_guest: u64,
}

impl Profile {
    /// Counts a stack, outermost frame first; `whole` if it was walked to its end.
    pub fn add(&mut self, stack: Vec<Frame>, whole: bool) {
        let named = stack.last().is_some_and(|leaf| leaf.name.is_some());
        self.attributed += u64::from(whole && named);
        *self.stacks.entry(stack).or_default() += 1;
    }

    /// Adds what another run of the same program showed.
    pub fn merge(&mut self, other: Profile) {
        for (stack, count) in other.stacks {
            *self.stacks.entry(stack).or_default() += count;
        }
        self.attributed += other.attributed;
    }

    /// How much there is, and how much of it is known.
    pub fn summary(&self) -> Summary {
        let in_guest = self
            .stacks
            .iter()
            .filter(|(stack, _)| stack.last().is_some_and(|leaf| leaf.side == Side::Guest));
        Summary {
            samples: self.stacks.values().sum(),
            attributed: self.attributed,
            in_guest: in_guest.map(|(_, count)| count).sum(),
        }
    }

    /// The stacks as text, a line each: names from the outermost to the innermost, separated by `;`, and how often. It is what other
    /// tools that draw flamegraphs read. Guest frames end in `_[j]`.
    pub fn folded(&self) -> Vec<String> {
        let line = |(stack, count): (&Vec<Frame>, &u64)| {
            let names: Vec<String> = stack.iter().map(Frame::label).collect();
            format!("{} {count}", names.join(";"))
        };
        self.stacks.iter().map(line).collect()
    }
}

impl Frame {
    fn label(&self) -> String {
        let name = self.name.as_deref().unwrap_or("[unknown]");
        // What the format uses itself.
        let name = name.replace(';', ":").replace(['\n', '\r'], " ");
        match self.side {
            Side::Host => name,
            Side::Guest => format!("{name}_[j]"),
        }
    }
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program could not be started.
    #[error("cannot start the program to be profiled: {0}")]
    Start(#[source] std::io::Error),
    /// The system does not let us look at it.
    #[error(
        "cannot look into the program: {0}; containers and hardened systems forbid it (`kernel.yama.ptrace_scope` must be at most 1, \
         seccomp must allow ptrace)"
    )]
    Trace(#[source] std::io::Error),
    /// The program ended with a failure.
    #[error("the program that was profiled ended with {0}")]
    Failed(String),
    /// The picture could not be drawn.
    #[error("cannot draw the picture: {0}")]
    Draw(#[source] std::io::Error),
    /// Not here.
    #[error("profiling works on Linux on x86-64 only")]
    Unsupported,
}

/// Runs `command` and looks at its stacks `per_second` times a second, until it ends.
///
/// # Errors
/// [`Error::Unsupported`], always.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub fn record(
    _command: std::process::Command,
    _guest_map: &std::path::Path,
    _per_second: u32,
) -> Result<Profile, Error> {
    Err(Error::Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(side: Side, name: Option<&str>) -> Frame {
        Frame {
            side,
            name: name.map(str::to_owned),
        }
    }

    #[test]
    fn a_profile_counts_merges_and_folds() {
        let main = frame(Side::Host, Some("main"));
        let parse = frame(Side::Guest, Some("parse;\n"));
        let lost = frame(Side::Host, None);
        let mut profile = Profile::default();
        profile.add(vec![main.clone(), parse.clone()], true);
        profile.add(vec![main.clone()], true);
        let mut other = Profile::default();
        other.add(vec![main.clone(), parse], true);
        other.add(vec![lost], false);
        profile.merge(other);
        assert_eq!(
            profile.summary(),
            Summary {
                samples: 4,
                attributed: 3,
                in_guest: 2
            }
        );
        assert_eq!(
            profile.folded(),
            ["[unknown] 1", "main 1", "main;parse: _[j] 2"]
        );
    }
}
