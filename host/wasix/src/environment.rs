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
    let directories: Vec<_> = ctx
        .directories()
        .map(|(path, directory)| (path.to_owned(), directory.clone()))
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
    let mut paths: Vec<&str> = directories.iter().map(|(path, _)| path.as_str()).collect();
    // The way to all of them: wasmer-wasix follows links from there, and WASIX's libc opens every file from there.
    if !paths.contains(&"/") {
        paths.push("/");
    }
    // All rights for all: what may be done is the tree's to say, so that a file that may not be written is not opened for writing
    // either.
    for path in paths {
        builder
            .add_preopen_build(|preopen| {
                preopen.directory(path).read(true).write(true).create(true)
            })
            .map_err(|e| Box::new(e.into()))?;
    }
    if let Some(directory) = ctx.working_directory() {
        builder.set_current_dir(directory);
    }
    let files = Granted::new(directories, deadline.clone());
    let files: Arc<dyn wasmer_wasix::virtual_fs::FileSystem + Send + Sync> = Arc::new(files);
    builder.set_fs(files);
    builder.build().map_err(Box::new)
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
