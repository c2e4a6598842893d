//! Sources: what is checked of them.
//!
//! A source is given a file: the user's, or the first of the kit's own that it takes. What it reads of it is compared with
//! itself, read in other portions; that it is right is for the plugin's own tests to say.

mod read;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chipmunk_payload::{PayloadError, Problem, State};
use chipmunk_plugins::contract::Session;
use chipmunk_plugins::schema::Configuration;
use chipmunk_plugins::{FaultCause, PluginError, SettingError};

use crate::Kit;
use crate::inputs::{self, Random, Sample, damaged};
use crate::life::{asked_often, initialise};
use crate::pace::{Clock, Pace};
use crate::plateau::{Plateau, has_runtime, size};
use crate::report::{Bad, Record, Verdict, bad, failed, passed, skipped};
use crate::subject::{Subject, is_refusal, why};
use read::{Answer, Ending, Reading, Until, Wrong, once, read};

/// A host's usual chunk.
const CHUNK: u64 = 256 << 10;

/// The most bytes that are kept to be compared.
const COMPARED: usize = 8 << 20;

const NO_TRAP: &str = "check every length that comes from the input before it is used; return `source-error` with a text where reading on is impossible";

/// What the checks have in common.
struct Context<'a> {
    subject: &'a Subject<'a>,
    /// With the input in it.
    configuration: &'a Configuration,
    input: &'a Candidate,
    first: Reading,
    pace: Pace,
    seed: u64,
    folder: &'a Path,
}

/// A file that a source may be given.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub name: String,
    pub path: Option<PathBuf>,
    make: Option<Make>,
}

/// Makes about so many bytes of its kind.
type Make = fn(u64, usize) -> Vec<u8>;

/// The files to try, the likeliest first. None but the user's if there is one, and no file at all where the source takes none.
pub(crate) fn candidates(
    kit: &Kit<'_>,
    subject: &Subject<'_>,
    folder: &Path,
) -> std::io::Result<Vec<Candidate>> {
    const BYTES: usize = 100_000;
    if let Some(path) = kit.input {
        return Ok(vec![Candidate {
            name: path.display().to_string(),
            path: Some(path.to_owned()),
            make: None,
        }]);
    }
    if subject.input_item().is_none() {
        return Ok(vec![Candidate {
            name: "what its configuration names".to_owned(),
            path: None,
            make: None,
        }]);
    }
    let kinds: [(&str, Make); 3] = [
        ("lines of text", inputs::text),
        ("a DLT trace", inputs::dlt),
        ("a capture of packets", |seed, bytes| {
            inputs::pcap(seed, bytes / 150)
        }),
    ];
    let mut all = Vec::new();
    for (index, (name, make)) in kinds.into_iter().enumerate() {
        let path = folder.join(format!("input-{index}"));
        std::fs::write(&path, make(kit.seed, BYTES))?;
        all.push(Candidate {
            name: name.to_owned(),
            path: Some(path),
            make: Some(make),
        });
    }
    Ok(all)
}

/// The first candidate that `init` takes, or what became of the last one.
#[expect(
    clippy::type_complexity,
    reason = "three things that belong together once"
)]
pub(crate) fn choose(
    subject: &Subject<'_>,
    candidates: Vec<Candidate>,
) -> Result<Option<(Candidate, Configuration, Result<Session, PluginError>)>, SettingError> {
    let mut last = None;
    for candidate in candidates {
        let configuration = subject.configuration(candidate.path.as_deref())?;
        let outcome = initialise(subject, &configuration);
        let done = match &outcome {
            Ok(_) => true,
            Err(PluginError::Guest(fault)) => !is_refusal(fault),
            Err(_) => true,
        };
        last = Some((candidate, configuration, outcome));
        if done {
            break;
        }
    }
    Ok(last)
}

/// The names of the checks here, but for the first ones.
const NAMES: [&str; 9] = [
    "lengths",
    "end",
    "determinism",
    "independence",
    "segments",
    "empty-input",
    "garbage",
    "memory",
    "large-input",
];

/// Makes all checks of a source whose `init` takes this configuration.
pub(crate) fn check(
    kit: &Kit<'_>,
    subject: &Subject<'_>,
    configuration: &Configuration,
    input: &Candidate,
    folder: &Path,
    record: &mut Record,
) {
    let begin = Instant::now();
    let Some((first, pace)) = first(kit, subject, configuration, input, record, begin) else {
        record.skip_all(
            &NAMES
                .into_iter()
                .filter(|name| !record.has_failed(name))
                .collect::<Vec<_>>(),
            "it does not read an ordinary input to its end",
        );
        return;
    };
    let context = &Context {
        subject,
        configuration,
        input,
        first,
        pace,
        seed: kit.seed,
        folder,
    };
    record.check("lengths", &[], || lengths(context));
    record.check("end", &[], || end(context));
    record.check("determinism", &["lengths"], || determinism(context));
    record.check("independence", &["determinism"], || independence(context));
    record.check("segments", &[], || segments(context));
    record.check("empty-input", &[], || empty(context));
    record.check("garbage", &[], || garbage(context));
    record.check("memory", &["lengths"], || memory(context));
    record.check("large-input", &["memory"], || large(context));
}

/// The input once, in usual chunks.
fn first(
    kit: &Kit<'_>,
    subject: &Subject<'_>,
    configuration: &Configuration,
    input: &Candidate,
    record: &mut Record,
    begin: Instant,
) -> Option<(Reading, Pace)> {
    let (instance_begin, instance_clock) = (Instant::now(), Clock::now());
    let mut session = match initialise(subject, configuration) {
        Ok(session) => session,
        Err(error) => {
            record.note(
                "reads",
                failed(
                    why(&error),
                    "make `init` go as often as it is called, each time in a new instance",
                ),
                begin,
            );
            record.skip_all(&["archives", "progress"], "`reads` failed");
            return None;
        }
    };
    // A live source waits for what it reads, and waiting takes time too. Of others only their own work counts.
    let live = subject.told.can("live");
    let cost = |begin: Instant, clock: Clock| {
        if live {
            begin.elapsed()
        } else {
            clock.elapsed()
        }
    };
    let instance = cost(instance_begin, instance_clock);
    let (read_begin, read_clock) = (Instant::now(), Clock::now());
    let until = Until {
        deadline: Some(Instant::now() + kit.budget * 2),
        ..Until::bytes(COMPARED)
    };
    let reading = match read(&mut session, until, || CHUNK) {
        Ok(reading) => reading,
        Err(wrong) => {
            note_fault(input, &wrong, record, begin);
            return None;
        }
    };
    let waited = read_begin.elapsed();
    let took = cost(read_begin, read_clock);
    const WORDS: &str =
        "find out whether the input is of the source's format, and whether the message is true";
    const LATER: &str = "say *retry later* only where `get-capabilities` has `live`: an input that ends has always either bytes or an end";
    let verdict = match &reading.ending {
        Ending::Refused(text) if kit.input.is_some() => failed(
            format!("gives up behind byte {}: {text}", reading.length),
            WORDS,
        ),
        Ending::Refused(text) => skipped(format!(
            "it refuses {} behind byte {} ({text}): give it one of its own format with `--input FILE`",
            input.name, reading.length
        )),
        _ => passed(format!(
            "{} bytes of {} in {} calls{}",
            reading.length,
            input.name,
            reading.calls,
            if reading.ending == Ending::End {
                ", to the end"
            } else {
                ""
            }
        )),
    };
    record.note("reads", verdict, begin);
    record.note(
        "archives",
        passed(format!(
            "{} archives are as wit/PAYLOAD.md says",
            reading.calls
        )),
        Instant::now(),
    );
    let progress = match reading.ending {
        Ending::OutOfTime => failed(
            format!(
                "{} bytes took {:.0} s, and there was no end",
                reading.length,
                waited.as_secs_f64()
            ),
            "read as much as is asked for, and say where the end is",
        ),
        _ if reading.later > 0 && !live => failed(
            format!("{} times it said to try again later", reading.later),
            LATER,
        ),
        _ => passed("every call returns, with bytes or with the end"),
    };
    record.note("progress", progress, Instant::now());
    let pace = Pace {
        instance,
        call: took / u32::try_from(reading.calls.max(1)).unwrap_or(1) / 4,
        byte_ns: took.as_secs_f64() * 1e9 / reading.length.max(1) as f64,
        budget: kit.budget,
    };
    Some((reading, pace))
}

fn note_fault(input: &Candidate, wrong: &Wrong, record: &mut Record, begin: Instant) {
    let count = |wanted: Problem| matches!(wrong, Wrong::Archive(PayloadError::Entry { problem, .. }) if *problem == wanted);
    let timeout =
        matches!(wrong, Wrong::Fault(fault) if matches!(fault.cause, FaultCause::Timeout { .. }));
    let (name, remedy) = if timeout || count(Problem::NoProgress) {
        (
            "progress",
            "return from `read`; a chunk that says *more* has at least one byte",
        )
    } else if count(Problem::TooMuch) {
        ("lengths", MORE_THAN_ASKED)
    } else if matches!(wrong, Wrong::Archive(_)) {
        (
            "archives",
            "lay the archive out as wit/PAYLOAD.md says, or use an encoder of guest-bindings, which does",
        )
    } else {
        ("reads", NO_TRAP)
    };
    record.note(
        name,
        failed(format!("{}: {wrong}", input.name), remedy),
        begin,
    );
    let others: Vec<&'static str> = ["reads", "archives", "progress"]
        .into_iter()
        .filter(|other| *other != name)
        .collect();
    record.skip_all(&others, &format!("`{name}` failed"));
}

const MORE_THAN_ASKED: &str =
    "give at most as many bytes as `read` is asked for: keep what is left for the next call";

impl Context<'_> {
    fn fresh(&self) -> Result<Session, Bad> {
        initialise(self.subject, self.configuration)
            .map_err(|error| bad(format!("a new instance: {}", why(&error)), NO_TRAP))
    }

    fn share(&self, hundredths: u32) -> Duration {
        self.pace.budget / 100 * hundredths
    }

    /// The configuration for another file.
    fn with_input(&self, path: &Path) -> Result<Configuration, Bad> {
        self.subject
            .configuration(Some(path))
            .map_err(|error| bad(error.to_string(), NO_TRAP))
    }

    /// Puts a sample into a file of its own.
    fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Bad> {
        let path = self.folder.join(name);
        std::fs::write(&path, bytes).map_err(|error| {
            bad(
                format!("the kit cannot write {}: {error}", path.display()),
                "set TMPDIR to a directory that can be written",
            )
        })?;
        Ok(path)
    }

    /// Whether the kit can make files for it.
    fn takes_files(&self) -> bool {
        self.subject.input_item().is_some()
    }

    /// A file like the input, about so large.
    fn bytes_like_input(&self, bytes: usize) -> Vec<u8> {
        match (self.input.make, &self.input.path) {
            (Some(make), _) => make(self.seed, bytes),
            (None, Some(path)) => {
                let content = std::fs::read(path).unwrap_or_default();
                if content.len() >= bytes {
                    return content.get(..bytes).unwrap_or_default().to_vec();
                }
                Sample::new("", content).repeated(bytes)
            }
            (None, None) => Vec::new(),
        }
    }
}

/// Whatever it is asked for, it gives no more, and the same bytes in the end.
fn lengths(context: &Context<'_>) -> Verdict {
    const SAME: &str = "let the bytes and segments not depend on how many are asked for: what does not fit goes on in the next chunk, in a segment with the \
         same timestamp and nothing skipped";
    const LARGE: &str = "make room for what is read, not for what is asked: a host may ask for any number of bytes, and `read` may always give fewer";
    const NOTHING: &str = "give no bytes when asked for none, and do not trap";
    let most = u64::from(context.subject.max_archive_bytes() / 2);
    let mut random = Random::new(context.seed);
    let mut tried = 0;
    for len in [1, 2, 3, 7, 20, 64, 1000, 4096, 65_536, 1 << 20, most] {
        let calls = context.pace.calls(context.share(2), 0, 50, 5000);
        let bytes = usize::try_from(len)
            .unwrap_or(COMPARED)
            .saturating_mul(calls)
            .min(COMPARED);
        same(
            context,
            bytes,
            || len,
            &format!("{len} bytes at a time"),
            SAME,
        )?;
        tried += 1;
    }
    for round in 0..4 {
        let calls = context.pace.calls(context.share(1), 0, 50, 3000);
        let seed = random.next();
        let mut lens = Random::new(seed);
        let len = move || {
            let most = 1usize << lens.between(0, 14);
            lens.between(1, most) as u64
        };
        same(
            context,
            calls * 1000,
            len,
            &format!("lengths at random, round {round}"),
            SAME,
        )?;
        tried += 1;
    }
    // More than any host asks for; the input has an end before.
    if context.first.ending == Ending::End {
        for len in [u64::from(u32::MAX), u64::MAX] {
            same(
                context,
                COMPARED,
                || len,
                &format!("asked for {len} bytes"),
                LARGE,
            )?;
            tried += 1;
        }
    }
    let mut session = context.fresh()?;
    let mut reading = Reading::default();
    match once(&mut session, 0, &mut reading, true) {
        // No tail is right for no bytes that are not the end: what it says is left to it, and no host asks.
        Err(Wrong::Archive(PayloadError::Entry {
            problem: Problem::NoProgress,
            ..
        }))
        | Ok(_) => {}
        Err(wrong) => return failed(format!("asked for no bytes: {wrong}"), NOTHING),
    }
    passed(format!(
        "the same bytes and segments, asked in {tried} ways, 1 byte to more than there are; none when asked for none"
    ))
}

fn same(
    context: &Context<'_>,
    bytes: usize,
    len: impl FnMut() -> u64,
    how: &str,
    remedy: &'static str,
) -> Result<(), Bad> {
    let mut session = context.fresh()?;
    let reading = read(&mut session, Until::bytes(bytes), len).map_err(|wrong| {
        let remedy = match &wrong {
            Wrong::Archive(PayloadError::Entry {
                problem: Problem::TooMuch,
                ..
            }) => MORE_THAN_ASKED,
            Wrong::Archive(_) => NO_TRAP,
            Wrong::Fault(_) => remedy,
        };
        bad(format!("{how}: {wrong}"), remedy)
    })?;
    match context.first.differs(&reading) {
        None => Ok(()),
        Some(difference) => Err(bad(
            format!("read in chunks of {CHUNK} bytes, and {how}: {difference}"),
            remedy,
        )),
    }
}

/// The end stays the end.
fn end(context: &Context<'_>) -> Verdict {
    const REMEDY: &str =
        "once `read` has said *end*, have every later call say it again, without bytes";
    if context.first.ending != Ending::End {
        return skipped(format!(
            "no end was seen within {} bytes",
            context.first.length
        ));
    }
    let mut session = context.fresh()?;
    let reading = read(&mut session, Until::bytes(usize::MAX), || CHUNK)
        .map_err(|wrong| bad(wrong.to_string(), NO_TRAP))?;
    let length = reading.length;
    for call in 1..=3 {
        let mut more = Reading::default();
        let answer = once(&mut session, CHUNK, &mut more, true)
            .map_err(|wrong| bad(format!("call {call} behind the end: {wrong}"), REMEDY))?;
        let wrong = match answer {
            Answer::State(State::End) if more.length == 0 => continue,
            Answer::State(State::End) => format!("{} bytes more", more.length),
            Answer::State(State::More) => format!("{} bytes more, and more to follow", more.length),
            Answer::State(State::RetryLater { .. }) => "that more may come later".to_owned(),
            Answer::Refused(text) => format!("the error {text}"),
        };
        return failed(
            format!("behind the end, after {length} bytes, call {call} gives {wrong}"),
            REMEDY,
        );
    }
    passed("behind the end there is nothing but the end")
}

/// Two instances read the same.
fn determinism(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "let what is read depend on the input and the configuration alone";
    same(context, COMPARED, || CHUNK, "again", REMEDY)?;
    passed("another instance reads the same")
}

/// Two instances read in turn.
fn independence(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "keep the state of an input in the instance";
    const LEN: u64 = 1000;
    let calls = context.pace.calls(context.share(1), 1000, 20, 500);
    let mut sessions = [context.fresh()?, context.fresh()?];
    let mut readings = [Reading::default(), Reading::default()];
    for _ in 0..calls {
        for (session, reading) in sessions.iter_mut().zip(&mut readings) {
            once(session, LEN, reading, true).map_err(|wrong| bad(wrong.to_string(), NO_TRAP))?;
        }
    }
    for reading in &readings {
        if let Some(difference) = context.first.differs(reading) {
            return failed(
                format!("read alone, and in turn with another instance: {difference}"),
                REMEDY,
            );
        }
    }
    passed("two instances that read in turn read what each reads alone")
}

/// Times are there if they are declared.
fn segments(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "have `get-capabilities` name `timestamps` if segments have them, in nanoseconds since 1970-01-01T00:00:00Z, and not if they never do";
    /// The year 2200.
    const LATEST: u64 = 7_258_118_400_000_000_000;
    let runs = &context.first.runs;
    let timed = runs.iter().filter(|run| run.timestamp.is_some()).count();
    let declared = context.subject.told.can("timestamps");
    if timed > 0 && !declared {
        return failed(
            "segments have timestamps, and it does not declare them",
            REMEDY,
        );
    }
    if declared && timed == 0 && !runs.is_empty() {
        return failed("it declares timestamps, and no segment has one", REMEDY);
    }
    if let Some(run) = runs
        .iter()
        .find(|run| run.timestamp.is_some_and(|timestamp| timestamp > LATEST))
    {
        return failed(
            format!(
                "the segment at byte {} is of the time {:?}, behind the year 2200",
                run.start, run.timestamp
            ),
            REMEDY,
        );
    }
    let skipped: u64 = runs.iter().map(|run| run.skipped).sum::<u64>() + context.first.skipped;
    passed(format!(
        "{} runs of bytes, {timed} with a time as declared, {skipped} bytes skipped",
        runs.len()
    ))
}

/// Whether a file is read or refused in words.
fn tolerates(context: &Context<'_>, what: &str, path: &Path) -> Result<&'static str, Bad> {
    let configuration = context.with_input(path)?;
    let mut session = match initialise(context.subject, &configuration) {
        Ok(session) => session,
        Err(PluginError::Guest(fault)) if is_refusal(&fault) => return Ok("refused"),
        Err(error) => return Err(bad(format!("{what}: {}", why(&error)), NO_TRAP)),
    };
    let until = Until {
        bytes: COMPARED,
        keep: false,
        deadline: Some(Instant::now() + Duration::from_secs(10)),
    };
    let reading = read(&mut session, until, || 5000)
        .map_err(|wrong| bad(format!("{what}: {wrong}"), NO_TRAP))?;
    match reading.ending {
        Ending::Refused(_) => Ok("refused"),
        Ending::OutOfTime => Err(bad(
            format!("{what}: no end within 10 s"),
            "come to an end of whatever is in the input",
        )),
        _ => Ok("read"),
    }
}

/// A file with nothing in it.
fn empty(context: &Context<'_>) -> Verdict {
    if !context.takes_files() {
        return skipped("it has no single item of type *files* that would be the input");
    }
    let path = context.file("empty", b"")?;
    let how = tolerates(context, "an empty file", &path)?;
    passed(format!("an empty file is {how}"))
}

/// Files of no format, and of its own, damaged.
fn garbage(context: &Context<'_>) -> Verdict {
    if !context.takes_files() {
        return skipped("it has no single item of type *files* that would be the input");
    }
    const BYTES: usize = 20_000;
    let own = Sample::new(context.input.name.as_str(), context.bytes_like_input(BYTES));
    let rounds = context.pace.runs(context.share(10), 40, 8 * BYTES, 1, 12);
    let mut random = Random::new(context.seed);
    let (mut tried, mut refused) = (0, 0);
    for round in 0..rounds as u64 {
        let seed = context.seed.wrapping_add(round);
        let mut samples = inputs::garbage(seed, BYTES);
        samples.push(damaged(&own, seed));
        let cut = random.below(own.bytes.len());
        samples.push(Sample::new(
            format!("{}, cut off at byte {cut}", own.name),
            own.prefix(cut).bytes,
        ));
        for sample in &samples {
            let path = context.file("garbage", &sample.bytes)?;
            let what = format!("{} (seed {seed})", sample.name);
            refused += usize::from(tolerates(context, &what, &path)? == "refused");
            tried += 1;
        }
    }
    passed(format!(
        "{tried} files of garbage, damaged or cut off: {refused} refused in its own words, the others read, no trap"
    ))
}

/// A large file takes no more memory than a small one.
fn large(context: &Context<'_>) -> Verdict {
    const REMEDY: &str =
        "keep of the input what one chunk needs, and no more: read it piece by piece";
    if !context.takes_files() {
        return skipped("it has no single item of type *files* that would be the input");
    }
    let bytes = context.pace.bytes(context.share(10), 1 << 20, 64 << 20);
    let read_all = |bytes: usize| -> Result<(Reading, u64), Bad> {
        let path = context.file("large", &context.bytes_like_input(bytes))?;
        let mut session = initialise(context.subject, &context.with_input(&path)?)
            .map_err(|error| bad(why(&error), NO_TRAP))?;
        let until = Until {
            bytes: usize::MAX,
            keep: false,
            deadline: Some(Instant::now() + context.share(100)),
        };
        let reading = read(&mut session, until, || CHUNK).map_err(|wrong| {
            bad(
                format!("a file of {}: {wrong}", size(bytes as u64)),
                NO_TRAP,
            )
        })?;
        Ok((reading, session.memory_bytes()))
    };
    let (_, little) = read_all(bytes / 4)?;
    let (reading, much) = read_all(bytes)?;
    if reading.ending == Ending::OutOfTime {
        return failed(
            format!(
                "{} of {} take more than {:.0} s",
                size(bytes as u64),
                context.input.name,
                context.share(100).as_secs_f64()
            ),
            "read each byte once",
        );
    }
    if much > little + little / 2 + (4 << 20) {
        return failed(
            format!(
                "a file of {} leaves it with {} of memory, and one of {} with {}",
                size(bytes as u64),
                size(much),
                size(bytes as u64 / 4),
                size(little)
            ),
            REMEDY,
        );
    }
    passed(format!(
        "{} of a file of {} with {} of memory",
        size(reading.length as u64),
        size(bytes as u64),
        size(much)
    ))
}

/// Many small calls leave memory as it is.
fn memory(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "free what a call allocates: the archive in post-return, and whatever is kept of earlier calls";
    const ENOUGH: usize = 4096;
    // What leaks a kilobyte a call shows with so many, behind the megabyte or two that an allocator has in hand.
    const FEWEST: usize = 2048;
    const MOST_UNDECIDED: u64 = 96 << 20;
    const DOUBLINGS: u32 = 3;
    const FILE: usize = 128 << 20;
    // A runtime begins with megabytes that are free: more goes through it with each call.
    let begin = initialise(context.subject, context.configuration)
        .map_err(|error| bad(why(&error), NO_TRAP))?;
    let has_runtime = has_runtime(begin.memory_bytes());
    drop(begin);
    let len = if has_runtime { 16 << 10 } else { 512 };
    // The file is to last for all of them: behind its end nothing grows.
    let all_of_them = len << DOUBLINGS;
    let most = ENOUGH.min(FILE / all_of_them);
    let first = if has_runtime {
        most
    } else {
        context.pace.calls(context.share(4), len, FEWEST, most)
    };
    let path = if context.takes_files() {
        let bytes = first * all_of_them;
        Some(context.file("many", &context.bytes_like_input(bytes))?)
    } else {
        None
    };
    let configuration = match &path {
        Some(path) => context.with_input(path)?,
        None => context.configuration.clone(),
    };
    let mut session =
        initialise(context.subject, &configuration).map_err(|error| bad(why(&error), NO_TRAP))?;
    let seen = Plateau::look(first, DOUBLINGS, context.share(60), |calls| {
        for _ in 0..calls {
            let mut reading = Reading::default();
            once(&mut session, len as u64, &mut reading, false)
                .map_err(|wrong| bad(wrong.to_string(), NO_TRAP))?;
        }
        Ok::<u64, Bad>(session.memory_bytes())
    })?;
    if seen.is_too_early(has_runtime, ENOUGH * 2, MOST_UNDECIDED) {
        return skipped(format!(
            "{} after {} calls, and still growing: with a garbage collector at work that need not be a leak",
            size(seen.bytes),
            seen.calls
        ));
    }
    if seen.grows() {
        return failed(
            format!(
                "{} calls of `read` for {len} bytes each leave it with {} of memory, of which the second half of them took {}",
                seen.calls,
                size(seen.bytes),
                size(seen.grown)
            ),
            REMEDY,
        );
    }
    let questions = asked_often(context.subject, &context.pace)?;
    passed(format!(
        "{} calls of `read` leave it with {}, as half of them did; so do {} questions about itself",
        seen.calls,
        size(seen.bytes),
        questions
    ))
}
