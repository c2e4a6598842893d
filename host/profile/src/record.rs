//! Running a program and looking at it many times a second.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::guest_map::GuestMap;
use crate::host_modules::{Images, Memory};
use crate::ptrace::{Ended, Traced};
use crate::stack::{Addresses, Walker};
use crate::{Error, Frame, Profile, Side};

/// After so many samples it is looked for new code: what the program compiles and loads meanwhile.
const LOOK_FOR_CODE: u32 = 64;

/// A stack that leads into the unknown may lead into new code. It is looked for then, but not more often than this, in samples:
/// there is code that nobody knows.
const LOOK_AGAIN: u32 = 4;

/// The name of guest code that is no function of the guest: what wasmer puts between host and guest.
const TRAMPOLINE: &str = "[wasmer trampoline]";

/// Runs `command` and looks at the stacks of its threads `per_second` times a second, until it ends. `guest_map` is the file in which
/// the program writes where its guests' functions are.
///
/// # Errors
/// [`Error::Start`], [`Error::Trace`], and [`Error::Failed`] when the program does not end well.
pub fn record(mut command: Command, guest_map: &Path, per_second: u32) -> Result<Profile, Error> {
    let child = command.spawn().map_err(Error::Start)?;
    let process = Pid::from_raw(child.id().cast_signed());
    let mut traced = Traced::seize(child).map_err(Error::Trace)?;
    let mut seen = Seen::new(process, guest_map);
    let interval = Duration::from_secs(1) / per_second.max(1);
    let mut next = Instant::now() + interval;
    loop {
        traced.catch_up().map_err(Error::Trace)?;
        match traced.ended() {
            Some(Ended::Exit(0)) => return Ok(seen.into_profile()),
            Some(Ended::Exit(code)) => return Err(Error::Failed(format!("status {code}"))),
            Some(Ended::Signal(signal)) => return Err(Error::Failed(format!("signal {signal}"))),
            None => {}
        }
        for thread in traced.running() {
            traced
                .look(thread, |registers| seen.sample(registers))
                .map_err(Error::Trace)?;
        }
        let now = Instant::now();
        match next.checked_duration_since(now) {
            Some(rest) => std::thread::sleep(rest),
            // Behind: samples are left out, not made up for.
            None => next = now,
        }
        next += interval;
    }
}

/// What was seen of one run.
struct Seen<'a> {
    process: Pid,
    guest_map: &'a Path,
    images: Images,
    memory: Memory,
    walker: Option<Walker>,
    guests: GuestMap,
    /// Samples since it was last looked for code; none before the first.
    since_look: Option<u32>,
    stacks: HashMap<(Vec<u64>, bool), u64>,
}

impl<'a> Seen<'a> {
    fn new(process: Pid, guest_map: &'a Path) -> Self {
        Self {
            process,
            guest_map,
            images: Images::default(),
            memory: Memory::default(),
            walker: None,
            guests: GuestMap::default(),
            since_look: None,
            stacks: HashMap::new(),
        }
    }

    fn sample(&mut self, registers: &nix::libc::user_regs_struct) {
        if self.since_look.is_none_or(|since| since >= LOOK_FOR_CODE) {
            self.look_for_code();
        }
        let mut stack = self.walk(registers);
        if !stack.whole && self.since_look.is_some_and(|since| since >= LOOK_AGAIN) {
            self.look_for_code();
            stack = self.walk(registers);
        }
        self.since_look = self.since_look.map(|since| since.saturating_add(1));
        let Addresses { mut frames, whole } = stack;
        if !frames.is_empty() {
            frames.reverse();
            *self.stacks.entry((frames, whole)).or_default() += 1;
        }
    }

    fn walk(&mut self, registers: &nix::libc::user_regs_struct) -> Addresses {
        match &mut self.walker {
            Some(walker) => walker.walk(registers, &self.memory, &self.guests),
            None => Addresses::default(),
        }
    }

    /// Finds out what is in the process's memory.
    fn look_for_code(&mut self) {
        let maps = format!("/proc/{}/maps", self.process);
        let maps: io::Result<String> = std::fs::read_to_string(maps);
        let memory = self.images.memory(&maps.unwrap_or_default());
        let files = |memory: &Memory| memory.files.len();
        if self.walker.is_none() || files(&memory) != files(&self.memory) {
            self.walker = Some(Walker::new(self.process, &memory));
        }
        self.memory = memory;
        self.guests = GuestMap::read(self.guest_map);
        self.since_look = Some(0);
    }

    /// Gives the addresses their names, which do not change from run to run.
    fn into_profile(mut self) -> Profile {
        self.guests = GuestMap::read(self.guest_map);
        let mut profile = Profile::default();
        for ((addresses, whole), count) in &self.stacks {
            let stack: Vec<Frame> = addresses.iter().map(|&at| self.frame(at)).collect();
            for _ in 0..*count {
                profile.add(stack.clone(), *whole);
            }
        }
        profile
    }

    fn frame(&self, address: u64) -> Frame {
        if let Some(function) = self.guests.find(address) {
            return Frame {
                side: Side::Guest,
                name: Some(function.name.clone()),
            };
        }
        if self.memory.is_made_at_run_time(address) {
            return Frame {
                side: Side::Guest,
                name: Some(TRAMPOLINE.to_owned()),
            };
        }
        // A file without symbols is better than nothing.
        let function = self.memory.file(address).map(|file| {
            let function = file.function(address).map(str::to_owned);
            function.unwrap_or_else(|| format!("[{}]", file.name))
        });
        Frame {
            side: Side::Host,
            name: function,
        }
    }
}
