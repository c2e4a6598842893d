//! Stopping the threads of a child, one at a time, and letting them go on: what is needed of `ptrace(2)`.
//!
//! The child is *seized*, which does not stop it and changes nothing that it could notice. Threads that it makes are seized as well
//! ([`PTRACE_O_TRACECLONE`](nix::sys::ptrace::Options)). Signals that are sent to it are delivered as if nobody were here.

use std::collections::BTreeSet;
use std::io;

use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The event of a thread that was interrupted, or is new: `PTRACE_EVENT_STOP` of the kernel's headers.
const EVENT_STOP: i32 = 128;

/// A child process that is looked at.
pub struct Traced {
    process: Pid,
    threads: BTreeSet<Pid>,
    /// How it ended.
    ended: Option<Ended>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Exit(i32),
    Signal(Signal),
}

impl Traced {
    /// Seizes a child of this process. It is killed if this process dies.
    pub fn seize(process: u32) -> io::Result<Self> {
        let process = Pid::from_raw(process.cast_signed());
        let options = ptrace::Options::PTRACE_O_TRACECLONE | ptrace::Options::PTRACE_O_EXITKILL;
        ptrace::seize(process, options)?;
        Ok(Self {
            process,
            threads: BTreeSet::from([process]),
            ended: None,
        })
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// The threads that use a processor, or wait for one.
    pub fn running(&self) -> Vec<Pid> {
        let is_running = |thread: &Pid| {
            let stat = format!("/proc/{}/task/{thread}/stat", self.process);
            // `PID (NAME) STATE ...`, and the name may have anything in it.
            let stat = std::fs::read_to_string(stat).unwrap_or_default();
            let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
            state.is_some_and(|state| state.starts_with('R'))
        };
        self.threads.iter().copied().filter(is_running).collect()
    }

    /// Takes note of all that happened since, without waiting.
    pub fn catch_up(&mut self) -> io::Result<()> {
        while self.ended.is_none() {
            let flags = WaitPidFlag::__WALL | WaitPidFlag::WNOHANG;
            match waitpid(None, Some(flags)) {
                Ok(WaitStatus::StillAlive) | Err(nix::errno::Errno::ECHILD) => break,
                Ok(status) => {
                    self.note(status)?;
                }
                Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Stops a thread, shows its registers, and lets it go on. Does nothing if the thread has ended, or the process.
    pub fn look(
        &mut self,
        thread: Pid,
        look: impl FnOnce(&nix::libc::user_regs_struct),
    ) -> io::Result<()> {
        if ptrace::interrupt(thread).is_err() {
            // It ended, which `catch_up` will be told.
            return Ok(());
        }
        while self.ended.is_none() && self.threads.contains(&thread) {
            // For any of them: when the process ends, the end of its first thread is told only after that of all others, each of which
            // has to be waited for.
            match waitpid(None, Some(WaitPidFlag::__WALL)) {
                Ok(WaitStatus::PtraceEvent(stopped, _, EVENT_STOP)) if stopped == thread => {
                    if let Ok(registers) = ptrace::getregs(thread) {
                        look(&registers);
                    }
                    go_on(thread, None);
                    return Ok(());
                }
                // Something else came first; the interruption is still to come.
                Ok(status) => self.note(status)?,
                Err(nix::errno::Errno::EINTR) => {}
                Err(nix::errno::Errno::ECHILD) => {
                    self.threads.remove(&thread);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn note(&mut self, status: WaitStatus) -> io::Result<()> {
        match status {
            WaitStatus::PtraceEvent(thread, _, _) => {
                // A new thread announces itself with a stop of its own, before or after its maker's.
                self.threads.insert(thread);
                go_on(thread, None);
            }
            WaitStatus::Stopped(thread, signal) => go_on(thread, Some(signal)),
            WaitStatus::Exited(thread, code) => self.gone(thread, Ended::Exit(code)),
            WaitStatus::Signaled(thread, signal, _) => self.gone(thread, Ended::Signal(signal)),
            WaitStatus::PtraceSyscall(thread) => go_on(thread, None),
            WaitStatus::Continued(_) | WaitStatus::StillAlive => {}
        }
        Ok(())
    }

    fn gone(&mut self, thread: Pid, how: Ended) {
        self.threads.remove(&thread);
        // The first thread's end is told when all have ended.
        if thread == self.process {
            self.ended = Some(how);
        }
    }
}

/// A thread that is no more cannot go on, which is no error.
fn go_on(thread: Pid, signal: Option<Signal>) {
    let _ = ptrace::cont(thread, signal);
}
