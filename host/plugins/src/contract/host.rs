//! The host's side of the contract: what a plugin imports from us.
//!
//! `logging` writes to the [`GuestLog`], `sandbox` gives the plugin its directory for temporary files, WASI has what was
//! granted and nothing else. What the plugin writes to its standard output and error is log, line by line; a Rust guest's
//! last words when it panics are there.

use std::path::Path;

use tempfile::TempDir;
use wasmer_component::{Linker, StoreContextMut};
use wasmer_component_wasi::stream::FileDescriptorInput;
use wasmer_component_wasi::{Grant, WasiCtx, WasiCtxBuilder, WasiView};

use super::{ApiVersion, Flavour, GuestLog, LogLevel};
use crate::config::{Access, Grants};
use crate::error::PluginError;

/// Where a plugin sees its directory for temporary files.
const SANDBOX_PATH: &str = "/chipmunk-sandbox";

/// The data of a plugin's store.
#[derive(Debug)]
pub struct HostState {
    log: GuestLog,
    wasi: WasiCtx,
    /// Removed with all that is in it when the session ends.
    sandbox: Option<TempDir>,
}

impl WasiView for HostState {
    fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }
}

impl HostState {
    /// The state of a session with these grants, and with a directory for temporary files if it is `sandboxed`. The directory
    /// is there from the start, because a guest looks at what directories it has only once.
    pub(crate) fn new(
        log: GuestLog,
        grants: &Grants,
        sandboxed: bool,
    ) -> Result<Self, PluginError> {
        let plugin = || log.plugin().to_owned();
        let mut wasi = WasiCtx::builder();
        wasi.name(log.plugin());
        let lines = log.clone();
        wasi.output_lines(move |line| lines.line(LogLevel::Info, line));
        for grant in &grants.directories {
            wasi.grant(granted(
                Grant::directory(&grant.host),
                grant.guest.as_deref(),
                grant.access,
            ));
        }
        for grant in &grants.files {
            wasi.grant(granted(
                Grant::file(&grant.host),
                grant.guest.as_deref(),
                grant.access,
            ));
        }
        for (name, value) in &grants.environment {
            wasi.environment(name, value);
        }
        for grant in &grants.network {
            wasi.network(grant.clone());
        }
        if grants.stdin {
            stdin(&mut wasi);
        }
        let sandbox = if sandboxed {
            let made = tempfile::Builder::new()
                .prefix("chipmunk-plugin-")
                .tempdir();
            let directory = made.map_err(|source| PluginError::Sandbox {
                plugin: plugin(),
                source,
            })?;
            wasi.grant(sandbox_grant(directory.path()));
            Some(directory)
        } else {
            None
        };
        let wasi = wasi.build().map_err(|error| PluginError::Grant {
            plugin: plugin(),
            message: error.to_string(),
        })?;
        Ok(Self { log, wasi, sandbox })
    }
}

fn granted(mut grant: Grant, guest: Option<&str>, access: Access) -> Grant {
    if let Some(guest) = guest {
        grant = grant.at(guest);
    }
    match access {
        Access::Read => grant,
        Access::ReadWrite => grant.read_write(),
    }
}

fn sandbox_grant(directory: &Path) -> Grant {
    Grant::directory(directory).read_write().at(SANDBOX_PATH)
}

fn stdin(wasi: &mut WasiCtxBuilder) {
    wasi.stdin(FileDescriptorInput::stdin());
}

/// What plugins of a flavour may import.
pub(crate) fn add_to_linker(
    linker: &mut Linker<HostState>,
    flavour: Flavour,
) -> wasmer_component::Result<()> {
    // The same functions in both versions, and a plugin may ask for either.
    for api in ApiVersion::ALL {
        linker
            .instance(&format!("chipmunk:shared/logging@{api}"))?
            .func_wrap(
                "log",
                |cx: StoreContextMut<'_, HostState>, (level, message): (LogLevel, String)| {
                    cx.data().log.line(level, &message);
                    Ok(())
                },
            )?;
        linker
            .instance(&format!("chipmunk:shared/sandbox@{api}"))?
            .func_wrap(
                "temp-directory",
                |cx: StoreContextMut<'_, HostState>, (): ()| {
                    let path: Result<String, String> = match &cx.data().sandbox {
                        Some(_) => Ok(SANDBOX_PATH.to_owned()),
                        None => Err(
                            "a plugin that does not import a file system has no temporary directory"
                                .to_owned(),
                        ),
                    };
                    Ok((path,))
                },
            )?;
    }
    match flavour {
        Flavour::Wasi02 => wasmer_component_wasi::add_to_linker(linker),
        #[cfg(feature = "wasix")]
        Flavour::Wasix => {
            wasmer_component_wasix::add_to_linker(linker);
            wasmer_component_wasi::add_to_linker(linker)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temporary_directory_goes_with_the_session() {
        let log = GuestLog::new("p", LogLevel::Error);
        let state =
            HostState::new(log.clone(), &Grants::default(), true).expect("the system has one");
        let directory = state
            .sandbox
            .as_ref()
            .map(|sandbox| sandbox.path().to_owned());
        let directory = directory.expect("it was asked for");
        std::fs::write(directory.join("left behind"), b"").expect("it can be written");
        drop(state);
        assert!(!directory.exists());
        let without = HostState::new(log, &Grants::default(), false).expect("nothing to do");
        assert!(without.sandbox.is_none());
    }
}
