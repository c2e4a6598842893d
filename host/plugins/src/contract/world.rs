//! Calling a plugin: the functions of its interface, typed, one method each, for both versions of the API.
//!
//! What 0.1.0 does not have is derived here: its capabilities from its render options. What it does in another way is in `v0_1`.
//!
//! A [`Session`] is one instance in a store of its own, with the host's side of what it imports. It turns everything that
//! can go wrong in a call into a [`GuestFault`] with the plugin's name, the function, the guest's frames and its last log
//! lines. After a fault the session takes no more calls: nobody knows what state the guest is in.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chipmunk_payload::AlignedBytes;
use chipmunk_pipeline::ParserSplit;
use wasmer_component::{
    Error, FillBytes, Func, Instance, LentBytes, Lift, LiftResult, LimitKind, LowerParams,
    ResultType, Store, TypedFunc,
};

use super::host::HostState;
use super::v0_1::{Call, ParseResult, RecordParser, lift};
use super::{
    ApiVersion, ConfigItem, ConfigSchemaItem, GuestLog, InitError, Kind, LogLevel,
    ParserCapabilities, ParserConfig, RenderOptions, SourceCapabilities, SourceConfig, SourceError,
    Version,
};
use crate::config::Limits;
use crate::error::{FaultCause, GuestFault, PluginError};
use crate::guest::{Chunk, ParserGuest, ReadFailure, SourceGuest, Take};

/// A running plugin.
#[derive(Debug)]
pub struct Session {
    plugin: Arc<str>,
    kind: Kind,
    api: ApiVersion,
    interface: String,
    limits: Limits,
    log: GuestLog,
    store: Store<HostState>,
    instance: Instance,
    /// The function that does the work, once the session is initialised.
    work: Option<Work>,
    /// Where the time of all calls of a parser's `parse` went.
    split: ParserSplit,
    ended: bool,
}

/// The function that does the work, its types checked. An input lives as long as a call; the check holds for all.
#[derive(Debug)]
enum Work {
    Parse(Func),
    ParseRecords(
        TypedFunc<(&'static [u8], Option<u64>), ParseResult>,
        Box<RecordParser>,
    ),
    /// An archive, or, with API 0.1.0, bytes.
    Read(TypedFunc<(u64,), ReadResult>),
}

type ReadResult = (Result<LentBytes, SourceError>,);

/// What a session is made of.
pub(crate) struct Parts {
    pub(crate) plugin: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) api: ApiVersion,
    pub(crate) interface: String,
    pub(crate) limits: Limits,
    pub(crate) log: GuestLog,
    pub(crate) store: Store<HostState>,
    pub(crate) instance: Instance,
}

type InitResult = (Result<(), InitError>,);

/// What the host tells every parser of API 0.1.0 is what it tells every source.
type GeneralConfig = SourceConfig;

impl Session {
    /// A session of an instance that was just made. Its functions are looked up, and their types checked, now.
    ///
    /// # Errors
    /// [`PluginError::Start`] when a function of the world is missing, or has other types.
    pub(crate) fn new(parts: Parts) -> Result<Self, PluginError> {
        let Parts {
            plugin,
            kind,
            api,
            interface,
            limits,
            log,
            store,
            instance,
        } = parts;
        let mut session = Self {
            plugin,
            kind,
            api,
            interface,
            limits,
            log,
            store,
            instance,
            work: None,
            split: ParserSplit::default(),
            ended: false,
        };
        session
            .check_world()
            .map_err(|message| PluginError::Start {
                plugin: session.plugin.to_string(),
                message,
            })?;
        Ok(session)
    }

    fn check_world(&mut self) -> Result<(), String> {
        fn is<P: LowerParams, R: ResultType>(
            session: &mut Session,
            name: &str,
        ) -> Result<(), String> {
            session.typed::<P, R>(name).map(drop)
        }
        is::<(), (Version,)>(self, "get-version")?;
        is::<(), (Vec<ConfigSchemaItem>,)>(self, "get-config-schemas")?;
        match (self.kind, self.api) {
            (Kind::Parser, ApiVersion::V0_2) => {
                is::<(), (ParserCapabilities,)>(self, "get-capabilities")?;
                is::<(), (RenderOptions,)>(self, "get-render-options")?;
                is::<(ParserConfig, &[ConfigItem]), InitResult>(self, "init")?;
                is::<(&[u8], Option<u64>, bool), (LentBytes,)>(self, "parse")
            }
            (Kind::Parser, ApiVersion::V0_1) => {
                is::<(), (RenderOptions,)>(self, "get-render-options")?;
                is::<(GeneralConfig, &[ConfigItem]), InitResult>(self, "init")?;
                is::<(&[u8], Option<u64>), ParseResult>(self, "parse")
            }
            (Kind::ByteSource, api) => {
                if api == ApiVersion::V0_2 {
                    is::<(), (SourceCapabilities,)>(self, "get-capabilities")?;
                }
                is::<(SourceConfig, &[ConfigItem]), InitResult>(self, "init")?;
                is::<(u64,), ReadResult>(self, "read")
            }
        }
    }

    fn typed<P: LowerParams, R: ResultType>(
        &mut self,
        name: &str,
    ) -> Result<TypedFunc<P, R>, String> {
        self.func(name)?
            .typed::<P, R>()
            .map_err(|error| error.to_string())
    }

    fn func(&mut self, name: &str) -> Result<Func, String> {
        let func = self
            .instance
            .get_func(&mut self.store, (self.interface.as_str(), name));
        func.ok_or_else(|| {
            format!(
                "it exports `{}`, but no function `{name}` in it",
                self.interface
            )
        })
    }

    /// The plugin's own version.
    ///
    /// # Errors
    /// The guest failed.
    pub fn version(&mut self) -> Result<Version, GuestFault> {
        self.get("get-version")
    }

    /// What can be configured.
    ///
    /// # Errors
    /// The guest failed.
    pub fn schema(&mut self) -> Result<Vec<ConfigSchemaItem>, GuestFault> {
        self.get("get-config-schemas")
    }

    /// What it can do, in the words of the WIT.
    ///
    /// # Errors
    /// The guest failed.
    pub fn capabilities(&mut self) -> Result<Vec<&'static str>, GuestFault> {
        match self.kind {
            Kind::Parser => Ok(self.parser_capabilities()?.names()),
            Kind::ByteSource if self.api == ApiVersion::V0_1 => Ok(Vec::new()),
            Kind::ByteSource => Ok(self.get::<SourceCapabilities>("get-capabilities")?.names()),
        }
    }

    /// What a parser can do. One of API 0.1.0 gives lines, and columns if its render options have any.
    ///
    /// # Errors
    /// The guest failed.
    pub fn parser_capabilities(&mut self) -> Result<ParserCapabilities, GuestFault> {
        if self.api == ApiVersion::V0_2 {
            return self.get("get-capabilities");
        }
        let options: RenderOptions = self.get("get-render-options")?;
        let columns = options
            .columns_options
            .is_some_and(|options| !options.columns.is_empty());
        Ok(if columns {
            ParserCapabilities::LINE | ParserCapabilities::COLUMNS
        } else {
            ParserCapabilities::LINE
        })
    }

    /// How messages are shown; `None` for a source.
    ///
    /// # Errors
    /// The guest failed.
    pub fn render_options(&mut self) -> Result<Option<RenderOptions>, GuestFault> {
        match self.kind {
            Kind::Parser => self.get("get-render-options").map(Some),
            Kind::ByteSource => Ok(None),
        }
    }

    /// Bytes of linear memory that the guest has now. It never gives any back.
    pub fn memory_bytes(&self) -> u64 {
        self.store.memory_bytes()
    }

    /// Makes a parser ready.
    ///
    /// # Errors
    /// The guest failed, or refused in its own words.
    pub fn init_parser(
        &mut self,
        config: ParserConfig,
        items: &[ConfigItem],
    ) -> Result<(), GuestFault> {
        let (result,) = match self.api {
            ApiVersion::V0_2 => self.call::<_, InitResult>("init", (config, items))?,
            ApiVersion::V0_1 => {
                let log_level = config.log_level;
                self.call::<_, InitResult>("init", (GeneralConfig { log_level }, items))?
            }
        };
        let limit = self.limits.max_output_bytes;
        self.initialised(result, "parse", |session| {
            Ok(match session.api {
                ApiVersion::V0_2 => Work::Parse(session.func("parse")?),
                ApiVersion::V0_1 => {
                    Work::ParseRecords(session.typed("parse")?, Box::new(RecordParser::new(limit)))
                }
            })
        })
    }

    /// Lets a parser of API 0.1.0 give columns that it has joined itself as one cell, joined by `separator`, if that is one ASCII
    /// character. Without that, or with another separator, they are cells.
    pub fn join_columns(&mut self, separator: &str) {
        if let (Some(Work::ParseRecords(_, records)), [byte]) =
            (&mut self.work, separator.as_bytes())
        {
            records.join_columns(*byte);
        }
    }

    /// Makes a source ready.
    ///
    /// # Errors
    /// The guest failed, or refused in its own words.
    pub fn init_source(
        &mut self,
        config: SourceConfig,
        items: &[ConfigItem],
    ) -> Result<(), GuestFault> {
        let (result,) = self.call::<_, InitResult>("init", (config, items))?;
        self.initialised(result, "read", |session| {
            Ok(Work::Read(session.typed("read")?))
        })
    }

    fn initialised(
        &mut self,
        result: Result<(), InitError>,
        name: &'static str,
        work: impl FnOnce(&mut Self) -> Result<Work, String>,
    ) -> Result<(), GuestFault> {
        result.map_err(|error| self.end("init", FaultCause::Refused(error.to_string())))?;
        let work = work(self).map_err(|message| self.end(name, FaultCause::Engine(message)))?;
        self.work = Some(work);
        Ok(())
    }

    fn get<R: Lift>(&mut self, name: &'static str) -> Result<R, GuestFault>
    where
        (R,): LiftResult,
    {
        Ok(self.call::<(), (R,)>(name, ())?.0)
    }

    fn call<P: LowerParams, R: LiftResult>(
        &mut self,
        name: &'static str,
        params: P,
    ) -> Result<R, GuestFault> {
        if self.ended {
            return Err(self.fault(name, FaultCause::Ended, Vec::new()));
        }
        let func = self
            .func(name)
            .map_err(|message| self.end(name, FaultCause::Engine(message)))?;
        func.typed::<P, R>()
            .and_then(|func| func.call(&mut self.store, params))
            .map_err(|error| self.end_with(name, error))
    }

    /// Notes that the session is over, and why.
    fn end(&mut self, function: &'static str, cause: FaultCause) -> GuestFault {
        self.ended = true;
        self.fault(function, cause, Vec::new())
    }

    #[cold]
    fn end_with(&mut self, function: &'static str, error: Error) -> GuestFault {
        self.ended = true;
        let mut frames = Vec::new();
        let cause = match error {
            Error::Trap(trap) => {
                frames = trap.frames.iter().map(ToString::to_string).collect();
                FaultCause::Trap(trap.message.into_owned())
            }
            Error::Limit(limit) => match limit.kind {
                LimitKind::Time => FaultCause::Timeout {
                    limit_ms: self.limits.call_timeout_ms,
                },
                LimitKind::Memory => FaultCause::Memory {
                    limit: self.limits.memory_bytes,
                },
                LimitKind::ListSize => FaultCause::Output {
                    limit: self.limits.max_output_bytes,
                },
                _ => FaultCause::Trap(limit.to_string()),
            },
            Error::Poisoned { .. } => FaultCause::Ended,
            // A host function that ended the call, such as `wasi:cli/exit`.
            Error::Host(error) => FaultCause::Trap(error.to_string()),
            error => FaultCause::Engine(error.to_string()),
        };
        self.fault(function, cause, frames)
    }

    fn fault(&self, function: &'static str, cause: FaultCause, frames: Vec<String>) -> GuestFault {
        GuestFault {
            plugin: self.plugin.to_string(),
            function,
            cause,
            frames,
            log_lines: self.log.last_lines(),
        }
    }

    /// Why there is nothing to call.
    #[cold]
    fn refused(&self, function: &'static str) -> GuestFault {
        self.fault(function, FaultCause::Ended, Vec::new())
    }

    #[cold]
    fn end_failed(&mut self, function: &'static str, failure: Failure) -> GuestFault {
        match failure {
            Failure::Engine(error) => self.end_with(function, error),
            Failure::Contract(cause) => self.end(function, cause),
        }
    }
}

/// What went wrong in a call.
enum Failure {
    Engine(Error),
    Contract(FaultCause),
}

impl ParserGuest for Session {
    fn parse(
        &mut self,
        input: &[u8],
        timestamp: Option<u64>,
        at_end: bool,
        archive: &mut AlignedBytes,
    ) -> Result<(), GuestFault> {
        let store = &mut self.store;
        let begun = Instant::now();
        let copied_in = Cell::new(begun);
        let mut copying_out = Duration::ZERO;
        let result = match &mut self.work {
            Some(Work::Parse(parse)) if !self.ended => {
                // As a plain slice would be lowered, and the clock is read behind it.
                let data = FillBytes::new(input.len(), |room: &mut [u8]| {
                    room.copy_from_slice(input);
                    copied_in.set(Instant::now());
                    Ok(room.len())
                });
                // The types are compared again for every chunk: they carry the lifetime of the input. It costs less than a
                // microsecond.
                parse
                    .typed::<(FillBytes<_>, Option<u64>, bool), (LentBytes,)>()
                    .and_then(|parse| {
                        parse.call_lent(store, (data, timestamp, at_end), |(lent,), guest| {
                            let returned = Instant::now();
                            archive.fill_from(guest.bytes(&lent));
                            copying_out = returned.elapsed();
                        })
                    })
                    .map_err(Failure::Engine)
            }
            Some(Work::ParseRecords(parse, records)) if !self.ended => {
                // A check that held for all inputs holds for this one.
                let parse: &TypedFunc<_, ParseResult> = parse;
                let call = |Call { input, mut taker }: Call<'_>| {
                    parse
                        .call_lifting(&mut *store, (input, timestamp), |cx, result| {
                            let returned = Instant::now();
                            let answer = lift(cx, result, &mut taker);
                            copying_out += returned.elapsed();
                            answer
                        })
                        .map_err(Failure::Engine)?
                        .map_err(Failure::Contract)
                };
                let result = records.parse(input, at_end, archive, call);
                if let Some(complaint) = records.take_complaint() {
                    let line = format!("the host skips what it cannot parse: {complaint}");
                    self.log.line(LogLevel::Debug, &line);
                }
                result
            }
            _ => return Err(self.refused("parse")),
        };
        self.split += ParserSplit {
            copy_in: copied_in.get() - begun,
            parse: copied_in.get().elapsed().saturating_sub(copying_out),
            copy_out: copying_out,
            ..ParserSplit::default()
        };
        result.map_err(|failure| self.end_failed("parse", failure))
    }

    fn split(&self) -> ParserSplit {
        self.split
    }

    fn calls(&self) -> u64 {
        match &self.work {
            Some(Work::ParseRecords(_, records)) => records.calls(),
            _ => 1,
        }
    }

    fn fail(&mut self, cause: FaultCause) -> GuestFault {
        self.end("parse", cause)
    }
}

impl SourceGuest for Session {
    fn read(&mut self, len: u64, take: &mut Take<'_>) -> Result<(), ReadFailure> {
        let Some(Work::Read(read)) = self.work.as_ref().filter(|_| !self.ended) else {
            return Err(self.refused("read").into());
        };
        let api = self.api;
        let outcome = read
            .call_lent(&mut self.store, (len,), |(result,), guest| {
                result.map(|lent| {
                    let bytes = guest.bytes(&lent);
                    take(match api {
                        ApiVersion::V0_1 => Chunk::Bytes(bytes),
                        ApiVersion::V0_2 => Chunk::Archive(bytes),
                    })
                })
            })
            .map_err(|error| self.end_with("read", error))?;
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => Err(self.end("read", cause).into()),
            Err(error) => Err(ReadFailure::Refused {
                plugin: self.plugin.to_string(),
                error,
            }),
        }
    }
}
