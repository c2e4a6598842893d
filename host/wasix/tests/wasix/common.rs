//! The two guests of these tests, and WASI's numbers.

use std::sync::{Arc, LazyLock, Mutex};
use wasmer_component::{
    Component, Config, CoreModule, Engine, Error, Instance, LiftResult, Linker, LowerParams, Store,
};
use wasmer_component_wasi::{WasiCtx, WasiCtxBuilder};

/// What preview 1 calls its errors by.
pub const SUCCESS: u32 = 0;
pub const ACCESS: u32 = 2;
pub const BADF: u32 = 8;
pub const EXIST: u32 = 20;
pub const NOENT: u32 = 44;
pub const NOTDIR: u32 = 54;
pub const NOTEMPTY: u32 = 55;
pub const NOTSUP: u32 = 58;
pub const PERM: u32 = 63;

/// Rights to read, to write, and all.
pub const READ: u64 = 1 << 1;
pub const WRITE: u64 = 1 << 6;
pub const ALL: u64 = (1 << 30) - 1;

/// Flags of `open`.
pub const CREATE: u32 = 1;
pub const DIRECTORY: u32 = 2;
pub const EXCLUSIVE: u32 = 4;
pub const TRUNCATE: u32 = 8;

pub static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(&Config::new()).expect("the default configuration works"));

static PROBE: LazyLock<Component> = LazyLock::new(|| compile(include_str!("probe.wat"), "guest"));
static WASIX: LazyLock<Component> =
    LazyLock::new(|| compile(include_str!("wasix.wat"), "wasix-guest"));

/// Makes a component of a core module in text.
pub fn compile(text: &str, world: &str) -> Component {
    try_compile(text, world).expect("the test's own text is right")
}

pub fn try_compile(text: &str, world: &str) -> Result<Component, Error> {
    let bytes = wat::parse_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let module = CoreModule::new(&bytes).world(&[include_str!("guests.wit")], world)?;
    Component::from_core_module(&ENGINE, &module)
}

/// A guest and the store it lives in.
pub struct Guest {
    pub store: Store<WasiCtx>,
    pub instance: Instance,
    interface: &'static str,
    pub output: Arc<Mutex<Vec<String>>>,
}

impl Guest {
    /// The guest of preview 1, with what the context grants.
    pub fn probe(setup: impl FnOnce(&mut WasiCtxBuilder)) -> Guest {
        Guest::new(&PROBE, "test:wasix/probe", setup).expect("it can be instantiated")
    }

    /// The guest of WASIX.
    pub fn wasix(setup: impl FnOnce(&mut WasiCtxBuilder)) -> Guest {
        Guest::new(&WASIX, "test:wasix/wasix", setup).expect("it can be instantiated")
    }

    pub fn new(
        component: &Component,
        interface: &'static str,
        setup: impl FnOnce(&mut WasiCtxBuilder),
    ) -> Result<Guest, Error> {
        let output = Arc::<Mutex<Vec<String>>>::default();
        let lines = output.clone();
        let mut builder = WasiCtx::builder();
        builder.output_lines(move |line| lines.lock().unwrap().push(line.to_owned()));
        setup(&mut builder);
        let mut store = Store::new(&ENGINE, builder.build().expect("the grants can be given"))?;
        let mut linker = Linker::new(&ENGINE);
        wasmer_component_wasix::add_to_linker(&mut linker);
        let instance = linker.instantiate(&mut store, component)?;
        Ok(Guest {
            store,
            instance,
            interface,
            output,
        })
    }

    /// Calls a function of the guest's interface.
    pub fn try_call<P: LowerParams, R: LiftResult>(
        &mut self,
        name: &str,
        params: P,
    ) -> Result<R, Error> {
        self.instance
            .get_typed_func::<P, R>(&mut self.store, (self.interface, name))?
            .call(&mut self.store, params)
    }

    /// Calls a function that gives an error number, and nothing or a number beside it.
    pub fn call<P: LowerParams, R: wasmer_component::Lift>(&mut self, name: &str, params: P) -> R
    where
        (R,): LiftResult,
    {
        let (result,) = self
            .try_call::<P, (R,)>(name, params)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        result
    }

    /// Calls a function that gives an error number and bytes; an error gives no bytes.
    pub fn bytes<P: LowerParams>(&mut self, name: &str, params: P) -> Result<Vec<u8>, u32> {
        match self.call::<P, (u32, Vec<u8>)>(name, params) {
            (SUCCESS, bytes) => Ok(bytes),
            (errno, _) => Err(errno),
        }
    }

    /// Opens a path, following links, and gives the descriptor.
    pub fn open(&mut self, fd: u32, path: &str, flags: u32, rights: u64) -> Result<u32, u32> {
        match self.call::<_, (u32, u32)>("open", (fd, 1u32, path, flags, rights)) {
            (SUCCESS, fd) => Ok(fd),
            (errno, _) => Err(errno),
        }
    }

    /// The contents of a file, at most 64 KiB.
    pub fn contents(&mut self, fd: u32, path: &str) -> Result<String, u32> {
        let file = self.open(fd, path, 0, READ)?;
        let bytes = self.bytes("read", (file, 65536u32))?;
        self.call::<_, u32>("close", (file,));
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes a file anew.
    pub fn write(&mut self, fd: u32, path: &str, contents: &str) -> Result<(), u32> {
        let file = self.open(fd, path, CREATE | TRUNCATE, READ | WRITE)?;
        let written = self.call::<_, (u32, u32)>("write", (file, contents.as_bytes()));
        self.call::<_, u32>("close", (file,));
        match written {
            (SUCCESS, length) if length as usize == contents.len() => Ok(()),
            (errno, _) => Err(errno),
        }
    }

    /// The names in a directory, without `.` and `..`.
    pub fn names(&mut self, fd: u32, path: &str) -> Result<Vec<String>, u32> {
        let directory = self.open(fd, path, DIRECTORY, READ)?;
        let bytes = self.bytes("entries", (directory,))?;
        self.call::<_, u32>("close", (directory,));
        let mut rest = bytes.as_slice();
        let mut names = Vec::new();
        // An entry: cookie, inode, length of the name, type; 24 bytes. Then the name.
        while let Some((head, tail)) = rest.split_at_checked(24) {
            let length = head.get(16..20).and_then(|length| length.try_into().ok());
            let length = u32::from_le_bytes(length.unwrap_or_default()) as usize;
            let Some((name, tail)) = tail.split_at_checked(length) else {
                break;
            };
            names.push(String::from_utf8_lossy(name).into_owned());
            rest = tail;
        }
        names.retain(|name| name != "." && name != "..");
        Ok(names)
    }
}
