//! One call of the program, and how it went.

use std::{
    ffi::OsStr,
    io::{Read, Write},
    path::Path,
    process::{Child, ChildStdin, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{Stats, program, shared_cache};

/// A call that takes longer hangs. The slowest compiles an interpreter, which takes a minute and more on a busy machine.
const PATIENCE: Duration = Duration::from_secs(400);

/// A call of the program, in the making.
#[derive(Debug)]
pub struct Command {
    command: std::process::Command,
    stdin: Vec<u8>,
}

impl Command {
    /// A call with these arguments, the tests' shared cache, and nothing on its standard input.
    ///
    /// # Errors
    /// The program is not built.
    pub fn new<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Result<Self> {
        let mut command = std::process::Command::new(program()?);
        command
            .args(arguments)
            .env_remove("CHIPMUNK_PLUGINS_DIR")
            .env("CHIPMUNK_PLUGINS_CACHE", shared_cache()?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(Self {
            command,
            stdin: Vec::new(),
        })
    }

    /// `export INPUT --source SOURCE --parser PARSER`, with statistics, text to the standard output.
    ///
    /// # Errors
    /// The program is not built.
    pub fn export(input: impl AsRef<OsStr>, (source, parser): (&str, &str)) -> Result<Self> {
        let command = Self::new([
            "export",
            "--stats=json",
            "--source",
            source,
            "--parser",
            parser,
        ])?;
        Ok(command.arg(input))
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Another cache of compiled plugins.
    pub fn cache(mut self, folder: &Path) -> Self {
        self.command.env("CHIPMUNK_PLUGINS_CACHE", folder);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Another working directory.
    pub fn current_dir(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What is on the standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It cannot be started, or does not end.
    pub fn run(mut self) -> Result<Run> {
        let bytes = std::mem::take(&mut self.stdin);
        if bytes.is_empty() {
            return Running::of(self.command.spawn().context("cannot start the program")?).wait();
        }
        let mut running = self.start()?;
        let mut stdin = running.take_stdin()?;
        let writer = thread::spawn(move || stdin.write_all(&bytes));
        let run = running.wait()?;
        // Whether all of it was wanted is for the test to find out.
        let _ = writer.join();
        Ok(run)
    }

    /// Starts it with an open standard input.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(mut self) -> Result<Running> {
        self.command.stdin(Stdio::piped());
        Ok(Running::of(
            self.command.spawn().context("cannot start the program")?,
        ))
    }

    /// Runs it with nobody to read its standard output.
    ///
    /// # Errors
    /// It cannot be started, or does not end.
    pub fn run_with_closed_pipe(mut self) -> Result<Run> {
        let mut child = self.command.spawn().context("cannot start the program")?;
        drop(child.stdout.take());
        Running::of(child).wait()
    }
}

/// A call that was started.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    fn of(mut child: Child) -> Self {
        let stdout = child.stdout.take().map(collect);
        let stderr = child.stderr.take().map(collect);
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input, which is open as long as what is returned lives.
    ///
    /// # Errors
    /// It was taken before.
    pub fn take_stdin(&mut self) -> Result<ChildStdin> {
        self.child
            .stdin
            .take()
            .context("the standard input is taken")
    }

    /// Whether it has ended.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It does not end; it is killed then.
    pub fn wait(mut self) -> Result<Run> {
        let begin = Instant::now();
        let mut pause = Duration::from_micros(200);
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if begin.elapsed() > PATIENCE {
                self.child.kill()?;
                self.child.wait()?;
                bail!(
                    "the program did not end within {PATIENCE:?}; it said: {}",
                    text(self.stderr.take())
                );
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        };
        Ok(Run {
            code: status.code(),
            stdout: bytes(self.stdout.take()),
            stderr: text(self.stderr.take()),
            took: begin.elapsed(),
        })
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is worth more than the error.
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

fn bytes(collector: Option<JoinHandle<Vec<u8>>>) -> Vec<u8> {
    collector
        .and_then(|collector| collector.join().ok())
        .unwrap_or_default()
}

fn text(collector: Option<JoinHandle<Vec<u8>>>) -> String {
    String::from_utf8_lossy(&bytes(collector)).into_owned()
}

/// How a call went.
#[derive(Debug)]
pub struct Run {
    /// The exit status; none if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to the standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to the standard error.
    pub stderr: String,
    /// How long it ran.
    pub took: Duration,
}

impl Run {
    /// Itself, if it ended with status 0.
    ///
    /// # Errors
    /// It did not.
    pub fn succeeded(self) -> Result<Self> {
        ensure!(
            self.code == Some(0),
            "exit status {:?}: {}",
            self.code,
            self.stderr
        );
        Ok(self)
    }

    /// The message, if it ended with status `code`, wrote nothing else, did not panic, and said all of `words`.
    ///
    /// # Errors
    /// It did something else.
    pub fn refused(self, code: i32, words: &[&str]) -> Result<String> {
        let Self {
            code: found,
            stdout,
            stderr,
            ..
        } = self;
        ensure!(
            found == Some(code),
            "exit status {found:?} instead of {code}: {stderr}"
        );
        ensure!(!stderr.contains("panicked"), "{stderr}");
        ensure!(
            stdout.is_empty(),
            "it wrote {} bytes of output: {stderr}",
            stdout.len()
        );
        for word in words {
            ensure!(
                stderr.contains(word),
                "nothing is said of `{word}`: {stderr}"
            );
        }
        Ok(stderr)
    }

    /// The figures it showed with `--stats=json`.
    ///
    /// # Errors
    /// It showed none, or others than the design has.
    pub fn stats(&self) -> Result<Stats> {
        let line = self.stderr.lines().find(|line| line.starts_with('{'));
        let line = line.with_context(|| format!("there are no statistics: {}", self.stderr))?;
        serde_json::from_str(line).context(line.to_owned())
    }

    /// What it said besides the figures.
    pub fn remarks(&self) -> Vec<&str> {
        self.stderr
            .lines()
            .filter(|line| !line.starts_with('{'))
            .collect()
    }

    /// The standard output as text.
    ///
    /// # Errors
    /// It is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        Ok(std::str::from_utf8(&self.stdout)?)
    }
}
