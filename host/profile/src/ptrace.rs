//! Stopping the threads of a child, one at a time, and letting them go on: what is needed of `ptrace(2)`.
//!
//! The child is *seized*, which does not stop it and changes nothing that it could notice. Threads that it makes are seized as well
//! ([`PTRACE_O_TRACECLONE`](nix::sys::ptrace::Options)). Signals that are sent to it are delivered as if nobody were here.
//!
//! A child runs from the moment it is made, and may have made threads, or have ended, before it is seized. Neither is an error.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

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

/// Which children are waited for: those of this thread, which alone may look at what it seized. Others' children are left to them.
const OURS: WaitPidFlag = WaitPidFlag::__WALL.union(WaitPidFlag::__WNOTHREAD);

impl Traced {
    /// Seizes a child of this thread, which from here on is waited for by what is returned, and by nobody else. The child is killed
    /// if this process dies, and at once if it cannot be seized.
    pub fn seize(mut child: Child) -> io::Result<Self> {
        let process = Pid::from_raw(child.id().cast_signed());
        let mut traced = Self {
            process,
            threads: BTreeSet::new(),
            ended: None,
        };
        match traced.seize_thread(process) {
            Ok(()) => traced.seize_others(),
            // The system refuses to look at what has ended as it refuses what is forbidden.
            Err(_) if traced.state(process) == Some('Z') => {
                traced.ended = Some(Ended::of(child.wait()?));
            }
            Err(error) => {
                child.kill()?;
                child.wait()?;
                return Err(error);
            }
        }
        Ok(traced)
    }

    fn seize_thread(&mut self, thread: Pid) -> io::Result<()> {
        let options = ptrace::Options::PTRACE_O_TRACECLONE | ptrace::Options::PTRACE_O_EXITKILL;
        ptrace::seize(thread, options)?;
        self.threads.insert(thread);
        Ok(())
    }

    /// Seizes the threads that were made before the first was seized, and those that they make meanwhile.
    fn seize_others(&mut self) {
        loop {
            let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process));
            let threads = tasks
                .into_iter()
                .flatten()
                .filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok())
                .map(Pid::from_raw);
            let known = self.threads.len();
            for thread in threads {
                if !self.threads.contains(&thread) {
                    // Those that cannot be seized have ended, or are ours already, made by a thread that is.
                    let _ = self.seize_thread(thread);
                }
            }
            if self.threads.len() == known {
                return;
            }
        }
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// The threads that use a processor, or wait for one.
    pub fn running(&self) -> Vec<Pid> {
        let is_running = |thread: &Pid| self.state(*thread) == Some('R');
        self.threads.iter().copied().filter(is_running).collect()
    }

    /// What a thread is doing, as `proc(5)` tells it: `R` for running, `Z` for one that has ended.
    fn state(&self, thread: Pid) -> Option<char> {
        let stat = format!("/proc/{}/task/{thread}/stat", self.process);
        // `PID (NAME) STATE ...`, and the name may have anything in it.
        let stat = std::fs::read_to_string(stat).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        rest.trim_start().chars().next()
    }

    /// Takes note of all that happened since, without waiting.
    pub fn catch_up(&mut self) -> io::Result<()> {
        while self.ended.is_none() {
            match waitpid(None, Some(OURS | WaitPidFlag::WNOHANG)) {
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
            match waitpid(None, Some(OURS)) {
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

impl Ended {
    fn of(status: ExitStatus) -> Self {
        let signal = status.signal().map(Signal::try_from);
        match (status.code(), signal) {
            (None, Some(Ok(signal))) => Self::Signal(signal),
            (code, _) => Self::Exit(code.unwrap_or(-1)),
        }
    }
}

/// A thread that is no more cannot go on, which is no error.
fn go_on(thread: Pid, signal: Option<Signal>) {
    let _ = ptrace::cont(thread, signal);
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    fn shell(script: &str) -> Child {
        Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .spawn()
            .expect("there is a shell")
    }

    fn until_it_ends(traced: &mut Traced) -> Ended {
        loop {
            traced.catch_up().expect("it is ours");
            match traced.ended() {
                Some(ended) => return ended,
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    #[test]
    fn a_child_that_ended_before_it_was_looked_at_is_no_error() {
        for (script, expected) in [
            ("exit 0", Ended::Exit(0)),
            ("exit 7", Ended::Exit(7)),
            ("kill -9 $$", Ended::Signal(Signal::SIGKILL)),
        ] {
            let child = shell(script);
            let stat = format!("/proc/{}/stat", child.id());
            while !std::fs::read_to_string(&stat)
                .expect("nobody has waited for it")
                .contains(") Z ")
            {
                std::thread::sleep(Duration::from_millis(1));
            }
            let traced = Traced::seize(child).expect("it has ended, which is told");
            assert_eq!(traced.ended(), Some(expected), "{script}");
            assert_eq!(traced.running(), []);
        }
    }

    #[test]
    fn threads_that_a_child_made_before_are_looked_at() {
        const CHILD: &str = "CHIPMUNK_PROFILE_TEST_CHILD";
        if std::env::var_os(CHILD).is_some() {
            // The child: this very test, on a thread that the test harness made.
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).expect("a pipe");
            return;
        }
        let name = "ptrace::tests::threads_that_a_child_made_before_are_looked_at";
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", name, "--test-threads=2"])
            .env(CHILD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it runs already");
        let tasks = format!("/proc/{}/task", child.id());
        while std::fs::read_dir(&tasks).expect("it runs").count() < 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let stdin = child.stdin.take();
        let mut traced = Traced::seize(child).expect("it may be looked at");
        assert_eq!(traced.threads.len(), 2);
        drop(stdin);
        assert_eq!(until_it_ends(&mut traced), Ended::Exit(0));
    }

    #[test]
    fn a_child_ends_while_it_is_looked_at() {
        let mut child = shell("read line; exit 3");
        let stdin = child.stdin.take();
        let mut traced = Traced::seize(child).expect("it may be looked at");
        assert_eq!(traced.ended(), None);
        drop(stdin);
        assert_eq!(until_it_ends(&mut traced), Ended::Exit(3));
    }
}
