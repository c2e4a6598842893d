//! What wasmer-wasix knows of one guest: an environment made of the guest's [`WasiCtx`].

use std::sync::Arc;

use wasmer_component_wasi::WasiCtx;
use wasmer_wasix::runtime::resolver::{MultiSource, Source};
use wasmer_wasix::virtual_net::{DynVirtualNetworking, UnsupportedVirtualNetworking};
use wasmer_wasix::{Runtime, VirtualTaskManager, WasiEnv, WasiRuntimeError};

use crate::files::Granted;
use crate::stdio::{Input, Output};
use crate::waiting::{Deadline, Tasks};

/// Makes the environment.
pub(crate) fn environment(
    ctx: &WasiCtx,
    deadline: &Deadline,
) -> Result<WasiEnv, Box<WasiRuntimeError>> {
    // A relative path is one in what the guest takes for its working directory, and that is the root.
    let directories: Vec<_> = ctx
        .directories()
        .map(|(path, directory)| (absolute(path), path.to_owned(), directory.clone()))
        .collect();
    // The first argument is the program's name by custom; wasmer-wasix puts it there by itself.
    let (name, arguments) = match ctx.arguments() {
        [name, arguments @ ..] => (name.as_str(), arguments),
        [] => ("", &[][..]),
    };
    let mut builder = WasiEnv::builder(name)
        .args(arguments)
        .envs(ctx.environment().iter().map(|(name, value)| (name, value)))
        .stdin(Box::new(Input::new(ctx.stdin(), deadline.clone())))
        .stdout(Box::new(Output::new(ctx.stdout(), deadline.clone())))
        .stderr(Box::new(Output::new(ctx.stderr(), deadline.clone())))
        .disable_default_builtins(true)
        .runtime(Arc::new(Surroundings::default()));
    let mut paths: Vec<(&str, &str)> = directories
        .iter()
        .map(|(path, name, _)| (path.as_str(), name.as_str()))
        .collect();
    // The way to all of them: wasmer-wasix follows links from there, and WASIX's libc opens every file from there.
    if !paths.iter().any(|(_, name)| *name == "/") {
        paths.push(("/", "/"));
    }
    // All rights for all: what may be done is the tree's to say, so that a file that may not be written is not opened for writing
    // either.
    for (path, name) in paths {
        builder
            .add_preopen_build(|preopen| {
                // An alias loses its first slash, and is not needed then.
                if !name.starts_with('/') {
                    preopen.alias(name);
                }
                preopen.directory(path).read(true).write(true).create(true)
            })
            .map_err(|e| Box::new(e.into()))?;
    }
    if let Some(directory) = ctx.working_directory() {
        builder.set_current_dir(directory);
    }
    let directories = directories
        .into_iter()
        .map(|(path, _, directory)| (path, directory))
        .collect();
    let files = Granted::new(directories, deadline.clone());
    let files: Arc<dyn wasmer_wasix::virtual_fs::FileSystem + Send + Sync> = Arc::new(files);
    builder.set_fs(files);
    builder.build().map_err(Box::new)
}

/// A guest's path as one from the root.
fn absolute(path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let names = path.split('/').filter(|name| !matches!(*name, "" | "."));
    format!("/{}", names.collect::<Vec<_>>().join("/"))
}

/// What surrounds all guests: nothing but a way to sleep.
#[derive(Debug)]
struct Surroundings {
    networking: DynVirtualNetworking,
    tasks: Arc<dyn VirtualTaskManager>,
    source: Arc<MultiSource>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Surroundings {
            networking: Arc::new(UnsupportedVirtualNetworking::default()),
            tasks: Arc::new(Tasks),
            source: Arc::new(MultiSource::new()),
        }
    }
}

impl Runtime for Surroundings {
    fn networking(&self) -> &DynVirtualNetworking {
        &self.networking
    }

    fn task_manager(&self) -> &Arc<dyn VirtualTaskManager> {
        &self.tasks
    }

    fn source(&self) -> Arc<dyn Source + Send + Sync> {
        self.source.clone()
    }
}
