//! The runtime from the outside: what is a plugin and what is not, what is compiled and what is cached, what can be said of a
//! plugin, and what its configuration leads to.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use chipmunk_payload::{BatchWriter, SourceWriter, State, Tail};
use chipmunk_pipeline::{ByteSource, Parser};
use chipmunk_plugins::contract::{ConfigSchemaItem, ConfigSchemaType};
use chipmunk_plugins::runtime::CheckOutcome;
use chipmunk_plugins::{
    ApiVersion, CacheChoice, CacheOutcome, Flavour, Input, Kind, Limits, LogLevel, Output,
    ParserRequest, PluginError, PluginRuntime, RuntimeOptions, Settings, SourceRequest,
    ThreadedSource, Version,
};
use support::{Guest, House};

const PARSE: &str = "(param $ptr i32) (param $len i32) (param i32 i64 i32) (result i32)";

/// A parser that finds nothing in nothing and says of everything else that it is incomplete.
fn parser() -> Guest {
    let nothing = BatchWriter::new().finish(Tail::Complete);
    let length = u32::try_from(nothing.len()).expect("a small archive");
    let incomplete = BatchWriter::new().finish(Tail::Incomplete { needed: 0 });
    Guest::parser()
        .archive(128, &nothing)
        .data(8192, &incomplete)
        .data(160, &[8192_u32, length].map(u32::to_le_bytes).concat())
        .function(
            "parse",
            &format!("{PARSE} (select (i32.const 160) (i32.const 128) (local.get $len))"),
        )
}

/// A source that gives `bytes` at once.
fn source(bytes: &[u8]) -> Guest {
    let mut out = SourceWriter::with_capacity(bytes.len());
    out.push(bytes);
    Guest::source()
        .archive(132, &out.finish(State::End))
        .function("read", "(param i64) (result i32) i32.const 128")
}

/// As [`source`], with one item of type *files* in its schema, named `input`.
fn file_source(bytes: &[u8]) -> Guest {
    // id, title: text and length; description: none; type: files, of no extension
    let words: [u32; 12] = [2048, 5, 2048, 5, 0, 0, 0, 5, 0, 0, 0, 0];
    let item: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    source(bytes)
        .data(2048, b"input")
        .data(300, &item)
        .data(32, &[300_u32, 1].map(u32::to_le_bytes).concat())
}

fn open_parser(
    runtime: &PluginRuntime,
    name: &str,
    output: Output,
) -> Result<CacheOutcome, PluginError> {
    let settings = Settings::default();
    let request = ParserRequest {
        settings: &settings,
        output,
        separator: None,
        log_level: LogLevel::Error,
    };
    runtime
        .open_parser(name, &request)
        .map(|opened| opened.start.cache)
}

fn source_request<'a>(settings: &'a Settings, input: Option<&'a Input>) -> SourceRequest<'a> {
    SourceRequest {
        settings,
        input,
        chunk_bytes: 64,
        log_level: LogLevel::Error,
    }
}

#[test]
fn what_is_no_plugin_is_refused_with_what_it_is_instead() {
    let house = House::new();
    house.write("text.wasm", "(component)");
    house.write("core.wasm", wat::parse_str("(module)").expect("valid"));
    house.write("empty.wasm", wat::parse_str("(component)").expect("valid"));
    let exports = |name: &str| {
        wat::parse_str(format!(
            "(component (instance $i) (export {name:?} (instance $i)))"
        ))
        .expect("valid")
    };
    house.write("command.wasm", exports("wasi:cli/run@0.2.0"));
    house.write("newer.wasm", exports("chipmunk:parser/parser@0.3.0"));
    house.write("older.wasm", exports("chipmunk:parser/parser@0.1.0"));
    house.write("hollow.wasm", exports("chipmunk:parser/parser@0.2.0"));
    std::fs::create_dir(house.path("directory.wasm")).expect("the test's directory is writable");
    let runtime = house.runtime();
    let refusal = |name: &str| {
        let path = house.path(&format!("{name}.wasm"));
        let error = open_parser(&runtime, &path.display().to_string(), Output::Line)
            .expect_err("no plugin")
            .to_string();
        let begin = format!("{} cannot be used as plugin `{name}`: ", path.display());
        error
            .strip_prefix(&begin)
            .map_or(error.clone(), str::to_owned)
    };
    assert!(
        refusal("text").starts_with(
            "it is not WebAssembly: it does not begin with `\\0asm` (it looks like text"
        )
    );
    let core = if cfg!(feature = "wasix") {
        "and exports no function of an interface, as a plugin would"
    } else {
        "and this program was built without the feature `wasix`, which runs those"
    };
    let core = format!("it is a core WebAssembly module, {core}: ");
    assert!(refusal("core").starts_with(&core), "{}", refusal("core"));
    assert_eq!(
        refusal("empty"),
        "it is a component of another world: it exports nothing, and a plugin exports `chipmunk:parser/parser` or \
         `chipmunk:bytesource/byte-source`, in one of the versions 0.1.0 and 0.2.0"
    );
    assert!(
        refusal("command").starts_with(
            "it is a component of another world: it exports `wasi:cli/run@0.2.0`, and"
        )
    );
    assert_eq!(
        refusal("newer"),
        "it exports `chipmunk:parser/parser@0.3.0`, and this host has the API in the versions 0.1.0 and 0.2.0: use a newer \
         host, or a build of the plugin for one of them"
    );
    assert_eq!(
        refusal("older"),
        "plugin `older` cannot be started: it exports `chipmunk:parser/parser@0.1.0`, but no function `get-version` in it"
    );
    assert!(refusal("directory").starts_with("cannot read plugin `directory` from "));
    assert!(refusal("absent").starts_with("cannot read plugin `absent` from "));
    assert_eq!(
        refusal("hollow"),
        "plugin `hollow` cannot be started: it exports `chipmunk:parser/parser@0.2.0`, but no function `get-version` in it"
    );
}

#[test]
fn a_parser_is_no_source_and_the_other_way_round() {
    let house = House::new();
    let parser = house.add("p", &parser());
    let source = house.add("s", &source(b""));
    let runtime = house.runtime();
    assert_eq!(
        open_parser(&runtime, "s", Output::Line)
            .expect_err("it is a source")
            .to_string(),
        format!(
            "plugin `s` ({}) is a byte-source, and a parser is wanted here",
            source.display()
        )
    );
    let settings = Settings::default();
    assert_eq!(
        runtime
            .open_source("p", &source_request(&settings, None))
            .expect_err("it is a parser")
            .to_string(),
        format!(
            "plugin `p` ({}) is a parser, and a byte-source is wanted here",
            parser.display()
        )
    );
}

#[test]
fn the_second_run_does_not_compile() {
    let house = House::new();
    house.add("p", &parser());
    let runtime = house.runtime();
    assert_eq!(
        open_parser(&runtime, "p", Output::Line).ok(),
        Some(CacheOutcome::Miss)
    );
    assert_eq!(
        open_parser(&runtime, "p", Output::Line).ok(),
        Some(CacheOutcome::Hit)
    );
    assert_eq!(
        open_parser(&house.runtime(), "p", Output::Line).ok(),
        Some(CacheOutcome::Hit)
    );
    // Another content is another plugin.
    house.add("p", &parser().data(9000, b"changed"));
    assert_eq!(
        open_parser(&house.runtime(), "p", Output::Line).ok(),
        Some(CacheOutcome::Miss)
    );
}

#[test]
fn a_damaged_cache_is_compiled_anew() {
    let house = House::new();
    house.add("p", &parser());
    assert_eq!(
        open_parser(&house.runtime(), "p", Output::Line).ok(),
        Some(CacheOutcome::Miss)
    );
    for entry in std::fs::read_dir(house.path("cache"))
        .expect("it was made")
        .filter_map(Result::ok)
    {
        let mut bytes = std::fs::read(entry.path()).expect("it is ours");
        let middle = bytes.len() / 2;
        bytes
            .iter_mut()
            .skip(middle)
            .take(64)
            .for_each(|byte| *byte = !*byte);
        std::fs::write(entry.path(), bytes).expect("it is ours");
    }
    assert_eq!(
        open_parser(&house.runtime(), "p", Output::Line).ok(),
        Some(CacheOutcome::Miss)
    );
    assert_eq!(
        open_parser(&house.runtime(), "p", Output::Line).ok(),
        Some(CacheOutcome::Hit)
    );
}

#[test]
fn a_file_that_is_not_the_registered_one_is_refused() {
    let house = House::new();
    house.add("p", &parser());
    let hash = house.runtime().inspect("p").expect("it is good").blake3;
    house.write(
        "plugins.toml",
        format!("[[plugins]]\nname = \"p\"\nblake3 = \"{hash}\"\n"),
    );
    assert!(open_parser(&house.runtime(), "p", Output::Line).is_ok());
    house.add("p", &parser().data(9000, b"changed"));
    let error = open_parser(&house.runtime(), "p", Output::Line)
        .expect_err("it was changed")
        .to_string();
    assert!(
        error.contains(&format!(
            "and plugins.toml says {hash}: it is not the file that was registered"
        )),
        "{error}"
    );
}

#[test]
fn a_parser_must_offer_what_is_asked_for() {
    let house = House::new();
    // ranges, columns
    house.add(
        "p",
        &parser().function("get-capabilities", "(result i32) i32.const 10"),
    );
    let runtime = house.runtime();
    assert!(open_parser(&runtime, "p", Output::Ranges).is_ok());
    assert_eq!(
        open_parser(&runtime, "p", Output::Line)
            .expect_err("it does not")
            .to_string(),
        "plugin `p` does not offer messages as lines of text (it offers: ranges, columns); export with `--format raw`"
    );
}

#[test]
fn inspect_tells_all_there_is() {
    let house = House::new();
    let path = house.add("s", &file_source(b""));
    let inspection = house.runtime().inspect("s").expect("it is good");
    let bytes = std::fs::read(&path).expect("it is there");
    assert_eq!(inspection.blake3.len(), 64);
    let expected = chipmunk_plugins::Inspection {
        name: "s".to_owned(),
        path,
        bytes: bytes.len(),
        blake3: inspection.blake3.clone(),
        kind: Kind::ByteSource,
        api: ApiVersion::V0_2,
        interface: "chipmunk:bytesource/byte-source@0.2.0".to_owned(),
        flavour: Flavour::Plain,
        core_module: false,
        version: Version {
            major: 1,
            minor: 2,
            patch: 3,
        },
        capabilities: Vec::new(),
        schema: vec![ConfigSchemaItem {
            id: "input".to_owned(),
            title: "input".to_owned(),
            description: None,
            input_type: ConfigSchemaType::Files(Vec::new()),
        }],
        config: BTreeMap::new(),
        render_options: None,
        imports: inspection.imports.clone(),
        grants: chipmunk_plugins::Grants::default(),
        limits: Limits::default(),
        cache: CacheOutcome::Miss,
        compiler: "cranelift",
    };
    assert_eq!(inspection, expected);
}

#[test]
fn precompiling_leaves_nothing_to_compile_and_a_note_of_what_was() {
    let house = House::new();
    let path = house.add("p", &parser());
    let runtime = house.runtime();
    let cold = runtime.precompile("p").expect("it is good");
    let artifacts = runtime
        .disk()
        .expect("there is one")
        .entries()
        .expect("it can be read");
    let [artifact] = artifacts.as_slice() else {
        panic!("{artifacts:?}");
    };
    let note = artifact.note.clone().expect("it was just written");
    assert_eq!(
        cold,
        chipmunk_plugins::Precompiled {
            plugin: "p".to_owned(),
            path: path.clone(),
            cache: CacheOutcome::Miss,
            compiler: "cranelift".to_owned(),
            wasm_bytes: std::fs::read(path).expect("it is there").len() as u64,
            artifact_bytes: artifact.bytes,
            compile_ms: note.compile_ms,
        }
    );
    let inspection = runtime.inspect("p").expect("it is good");
    let facts = note.facts.expect("it could be asked");
    assert_eq!(
        (note.plugin, note.blake3, facts.version, facts.capabilities),
        (
            "p".to_owned(),
            inspection.blake3,
            inspection.version,
            inspection.capabilities
        )
    );
    let warm = house.runtime();
    let hit = CacheOutcome::Hit;
    assert_eq!(
        warm.precompile("p").ok(),
        Some(chipmunk_plugins::Precompiled { cache: hit, ..cold })
    );
    assert_eq!(
        open_parser(&house.runtime(), "p", Output::Ranges).ok(),
        Some(hit)
    );
}

#[test]
fn a_plugin_that_cannot_say_what_it_is_fails_to_be_precompiled() {
    let house = House::new();
    house.add(
        "p",
        &parser().function("get-config-schemas", "(result i32) unreachable"),
    );
    for _ in 0..2 {
        let error = house.runtime().precompile("p").expect_err("it traps");
        let error = error.to_string();
        assert!(error.contains("get-config-schemas"), "{error}");
    }
}

#[test]
fn without_a_cache_there_is_nothing_to_precompile_into() {
    let house = House::new();
    house.add("p", &parser());
    let runtime = |cache| {
        PluginRuntime::new(RuntimeOptions {
            directories: Some(vec![house.path(".")]),
            cache,
            ..RuntimeOptions::default()
        })
        .expect("there is no plugins.toml")
    };
    let error = |cache| {
        runtime(cache)
            .precompile("p")
            .expect_err("there is no cache")
            .to_string()
    };
    assert_eq!(
        error(CacheChoice::Off),
        "the cache of compiled plugins is switched off"
    );
    let file = house.write("file", "");
    assert_eq!(
        error(CacheChoice::Directory(file.clone())),
        format!(
            "{} cannot be used for compiled plugins: it cannot be made: File exists (os error 17)",
            file.display()
        )
    );
}

#[test]
fn a_compiler_that_is_not_built_in_is_refused_with_the_way_to_have_it() {
    use chipmunk_plugins::PluginCompiler::{Llvm, Singlepass};
    let house = House::new();
    house.add("p", &parser());
    for (name, compiler, wanted) in [
        ("llvm", wasmer_component::Compiler::Llvm, Llvm),
        (
            "singlepass",
            wasmer_component::Compiler::Singlepass,
            Singlepass,
        ),
    ] {
        let runtime = PluginRuntime::new(RuntimeOptions {
            directories: Some(vec![house.path(".")]),
            cache: CacheChoice::Directory(house.path("cache")),
            compiler: Some(wanted),
            ..RuntimeOptions::default()
        })
        .expect("there is no plugins.toml");
        let inspected = runtime.inspect("p");
        if compiler.is_built_in() {
            assert_eq!(inspected.map(|plugin| plugin.compiler).ok(), Some(name));
        } else {
            let error = inspected.expect_err("it is not there").to_string();
            assert!(
                error.starts_with(&format!(
                    "plugin `p` is to be compiled with `{name}`, which this program was built without (it has: cranelift"
                )),
                "{error}"
            );
            assert!(error.contains(&format!("--features {name}")), "{error}");
        }
    }
}

#[test]
fn list_compiles_nothing_and_says_what_is_wrong() {
    let house = House::new();
    house.add("good", &parser());
    house.write("bad.wasm", "nothing");
    let runtime = house.runtime();
    let listed: Vec<_> = runtime
        .list()
        .into_iter()
        .map(|listed| (listed.name, listed.kind, listed.problem.is_some()))
        .collect();
    assert_eq!(
        listed,
        [
            ("bad".to_owned(), None, true),
            ("good".to_owned(), Some(Kind::Parser), false)
        ]
    );
    assert_eq!(
        std::fs::read_dir(house.path("cache"))
            .map(Iterator::count)
            .ok(),
        Some(0)
    );
}

#[test]
fn validate_goes_as_far_as_it_can() {
    let house = House::new();
    house.add("parser", &parser());
    house.add("source", &source(b"bytes"));
    house.add("file-source", &file_source(b""));
    house.add("traps", &Guest::parser());
    let runtime = house.runtime();
    let outcomes = |name: &str| {
        let validation = runtime.validate(name, &Settings::default());
        let checks: Vec<_> = validation
            .checks
            .iter()
            .map(|check| (check.what, check.outcome))
            .collect();
        (validation.is_ok(), checks)
    };
    use CheckOutcome::{Failed, Passed, Skipped};
    let begin = [
        ("file and format", Passed),
        ("compilation", Passed),
        ("functions that describe it", Passed),
        ("schema and configuration", Passed),
    ];
    let with = |more: &[(&'static str, CheckOutcome)]| [&begin[..], more].concat();
    let parse = ("init and parse", Passed);
    assert_eq!(outcomes("parser"), (true, with(&[parse, parse, parse])));
    assert_eq!(
        outcomes("source"),
        (true, with(&[("init and read", Passed)]))
    );
    assert_eq!(
        outcomes("file-source"),
        (true, with(&[("init and read", Skipped)]))
    );
    assert_eq!(
        outcomes("traps"),
        (false, with(&[("init and parse", Failed)]))
    );
    assert_eq!(
        outcomes("absent"),
        (false, vec![("file and format", Failed)])
    );
}

#[test]
fn settings_reach_the_plugins_that_have_them_and_others_are_mistakes() {
    let house = House::new();
    house.add("s", &file_source(b"bytes"));
    house.add("p", &parser());
    let runtime = house.runtime();
    let trace = house.write("trace.dlt", b"x");
    let settings = Settings::parse([format!("input={}", trace.display())]).expect("well formed");
    assert!(
        runtime
            .open_source("s", &source_request(&settings, None))
            .is_ok()
    );
    assert_eq!(settings.finish(), Ok(()));
    let settings = Settings::parse(["inptu=x"]).expect("well formed");
    assert!(
        runtime
            .open_source("s", &source_request(&settings, None))
            .is_ok()
    );
    assert_eq!(
        settings.finish().map_err(|error| error.to_string()),
        Err(
            "there is no configuration item `inptu` (did you mean `input`?); its items are `input`"
                .to_owned()
        )
    );
    let input = Input::File(house.path("absent"));
    let settings = Settings::default();
    let error = runtime
        .open_source("s", &source_request(&settings, Some(&input)))
        .expect_err("no such file")
        .to_string();
    assert!(
        error.starts_with(&format!(
            "plugin `s`: cannot read the input {}: ",
            house.path("absent").display()
        )),
        "{error}"
    );
}

#[test]
fn sessions_move_between_threads() {
    let house = House::new();
    house.add("s", &source(b"bytes"));
    house.add("p", &parser());
    let runtime = house.runtime();
    let settings = Settings::default();
    let source = runtime
        .open_source("s", &source_request(&settings, None))
        .expect("it is good")
        .proxy;
    let mut source = ThreadedSource::new(source).expect("the system has threads");
    let info = pollster::block_on(source.load(None)).expect("it reads");
    assert_eq!(info.map(|info| info.newly_loaded_bytes), Some(5));
    assert_eq!(source.current_slice(), b"bytes");
    assert!(matches!(pollster::block_on(source.load(None)), Ok(None)));

    let request = ParserRequest {
        settings: &settings,
        output: Output::Line,
        separator: None,
        log_level: LogLevel::Error,
    };
    let mut parser = runtime
        .open_parser("p", &request)
        .expect("it is good")
        .proxy;
    assert!(parser.parse(b"", None).is_ok());
    let moved = std::thread::spawn(move || parser.parse(b"abc", None).is_err());
    assert_eq!(moved.join().ok(), Some(true));
}

#[test]
fn many_threads_open_and_use_one_runtime() {
    let house = House::new();
    house.add("p", &parser());
    let runtime = house.runtime();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert!(open_parser(&runtime, "p", Output::Line).is_ok());
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
        }
    });
}

/// Logs its temporary directory, and then all directories it has, and traps.
fn curious() -> Guest {
    Guest::parser().wasi().function(
        "parse",
        "(param i32 i32 i32 i64 i32) (result i32) (local $entry i32) (local $left i32)
        (call $temp (i32.const 512))
        (call $log (i32.load8_u (i32.const 512)) (i32.load (i32.const 516)) (i32.load (i32.const 520)))
        (call $directories (i32.const 528))
        (local.set $entry (i32.load (i32.const 528)))
        (local.set $left (i32.load (i32.const 532)))
        (loop $next
            (if (local.get $left) (then
                (call $log (i32.const 2) (i32.load offset=4 (local.get $entry)) (i32.load offset=8 (local.get $entry)))
                (local.set $entry (i32.add (local.get $entry) (i32.const 12)))
                (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                (br $next))))
        unreachable",
    )
}

#[test]
fn a_plugin_has_its_temporary_directory_and_what_it_was_granted() {
    let house = House::new();
    std::fs::create_dir(house.path("logs")).expect("the test's directory is writable");
    house.write("names.xml", b"");
    house.write(
        "plugins.toml",
        "[[plugins]]\nname = \"curious\"\n[plugins.grants]\n\
         directories = [{ host = \"logs\", guest = \"/in\" }]\n\
         files = [{ host = \"names.xml\", guest = \"/etc/names.xml\" }]\n",
    );
    house.add("curious", &curious());
    house.add("bare", &curious());
    let runtime = house.runtime();
    assert_eq!(
        runtime
            .describe("bare")
            .map(|description| description.flavour)
            .ok(),
        Some(Flavour::Wasi02)
    );
    let lines = |name: &str| {
        let settings = Settings::default();
        let request = ParserRequest {
            settings: &settings,
            output: Output::Line,
            separator: None,
            log_level: LogLevel::Error,
        };
        let mut parser = runtime
            .open_parser(name, &request)
            .expect("it starts")
            .proxy;
        let error = parser
            .parse(b"x", None)
            .map(|_| ())
            .expect_err("it traps")
            .to_string();
        let lines = error
            .lines()
            .skip_while(|line| *line != "  the plugin's last log lines:")
            .skip(1);
        lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    // The first line's level is the discriminant of success: error.
    assert_eq!(
        lines("bare"),
        ["ERROR /chipmunk-sandbox", "INFO /chipmunk-sandbox"]
    );
    assert_eq!(
        lines("curious"),
        [
            "ERROR /chipmunk-sandbox",
            "INFO /in",
            "INFO /chipmunk-sandbox",
            "INFO /etc"
        ]
    );
}

#[test]
fn what_cannot_be_granted_is_named() {
    let house = House::new();
    house.write(
        "plugins.toml",
        "[[plugins]]\nname = \"curious\"\ngrants.directories = [{ host = \"absent\" }]\n",
    );
    house.add("curious", &curious());
    let error = open_parser(&house.runtime(), "curious", Output::Line)
        .expect_err("it is absent")
        .to_string();
    assert!(
        error.starts_with("plugin `curious`: cannot grant "),
        "{error}"
    );
    assert!(
        error.contains("absent") && error.ends_with("see `[plugins.grants]` in plugins.toml"),
        "{error}"
    );
}
