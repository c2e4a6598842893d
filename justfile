# Everything that is done with this project is one recipe here; `just` lists them.
# How guests get their toolchain and what is kept where: guest-bindings/toolchain/README.md.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

toolchain := justfile_directory() / "guest-bindings/toolchain"
cache := env("CHIPMUNK_PLUGINS_TOOLS", env("XDG_CACHE_HOME", env("HOME") / ".cache") / "chipmunk-plugins")

# The host's target folder, and the one of the guest workspace inside or beside it.
target := absolute_path(env("CARGO_TARGET_DIR", "target"))
guest_target := if env("CARGO_TARGET_DIR", "") == "" { justfile_directory() / "plugins/target" } else { target / "guests" }

# In CI the lock files are the law.
locked := if env("CI", "") == "" { "" } else { "--locked" }

# The other runtime is built in a workspace of its own (tests/against-wasmtime says why).
against_wasmtime := target / "against-wasmtime"

# The command finds its default plugins in `../plugins` as seen from its own folder.
command := target / "release/chipmunk-plugins"
plugins_folder := target / "plugins"
components_folder := target / "plugins-component"
core_folder := target / "plugins-core"
wasi_guests := target / "wasi-guests"
languages_folder := target / "plugins-languages"
plugins := "dlt-parser file-source pcap-source text-parser"

just := just_executable() + " --justfile '" + justfile() + "'"

export PATH := cache / "bin:" + env("PATH")

[private]
default:
    @{{ just }} --list --unsorted

# Install what is missing of the guest toolchain and the tools, and what plugins in LANGUAGES (c cpp zig python js, or all) are built with; llvm for build-llvm
setup *LANGUAGES: _guest-toolchain
    @'{{ toolchain }}/tools.sh' wasm-tools cargo-component
    @[ $# -eq 0 ] || '{{ toolchain }}/languages.sh' "$@"

# Set up LANGUAGES (c cpp zig python js, or all) and build their example plugins into target/plugins-languages
plugin +LANGUAGES:
    @'{{ toolchain }}/languages.sh' "$@"
    @'{{ toolchain }}/plugin.sh' '{{ languages_folder }}' "$@"

# Build the command, and every plugin to where the command finds it (and as core modules into target/plugins-core)
build: _guest-toolchain _host (_plugins "plain" plugins_folder) (_plugins "core" core_folder)

# Build the command with the compilers LLVM and Singlepass as well, at target/llvm/release/chipmunk-plugins (minutes the first time)
build-llvm: _guest-toolchain (_with-llvm "build" "--bin" "chipmunk-plugins") (_plugins "plain" plugins_folder)
    @ln -sfn '{{ plugins_folder }}' '{{ target }}/llvm/plugins'
    @ln -sfn '{{ target }}/plugins-0.1.0' '{{ target }}/llvm/plugins-0.1.0'

# Run the tests of the component engine once with each compiler
test-compilers: (_with-llvm "test" "--test" "engine" "--no-run")
    #!/usr/bin/env bash
    set -euo pipefail
    for compiler in cranelift llvm; do
        printf '\n== the engine with %s\n' "$compiler"
        WASMER_COMPONENT_TEST_COMPILER=$compiler {{ just }} _with-llvm test --test engine
    done
    printf '\n== the engine with singlepass\n'
    # Wasmer's Singlepass panics over the adapters between components that pass lists or strings.
    skipped=()
    for name in lists_pass_between_components strings_pass_between_all_encodings a_composed_component_survives_its_artifact hostile_pointers_between_components_trap; do
        echo "skipped: composition::$name: Singlepass cannot compile it"
        skipped+=(--skip "composition::$name")
    done
    WASMER_COMPONENT_TEST_COMPILER=singlepass {{ just }} _with-llvm test --test engine -- "${skipped[@]}"

# A folder of its own: another set of wasmer's features would otherwise be built in turns.
_with-llvm COMMAND *ARGUMENTS:
    @'{{ toolchain }}/languages.sh' llvm
    LLVM_SYS_221_PREFIX="${LLVM_SYS_221_PREFIX:-/usr/lib/llvm-22}" CARGO_TARGET_DIR='{{ target }}/llvm' \
        cargo {{ COMMAND }} --release {{ locked }} --workspace --features llvm,singlepass {{ ARGUMENTS }}

# The main job: make a DLT trace, export it through both plugins, compare with native code
demo: build
    #!/usr/bin/env bash
    set -euo pipefail
    folder='{{ target }}/demo'
    run() {
        printf '\n$ chipmunk-plugins %s\n' "$*"
        '{{ command }}' "$@"
    }
    mkdir -p "$folder"
    cd "$folder"

    run gen dlt --messages 30525 --garbage 8 --message-bytes 150 --seed 1 -o trace.dlt
    run export trace.dlt --source file-source --parser dlt-parser --format raw --stats -o plugins.raw
    run export trace.dlt --source file-source --parser dlt-parser --format text --stats -o plugins.txt
    printf '\nThe first lines of %s/plugins.txt:\n\n' "$folder"
    head -n 5 plugins.txt

    printf '\nThe same without plugins, to compare with:\n'
    run export trace.dlt --source native --parser native --format raw --stats=json -o native.raw 2>native.json
    run export trace.dlt --source native --parser native --format text -o native.txt 2>/dev/null
    differs() { printf 'demo: error: %s (see the files in %s)\n' "$1" "$folder" >&2; exit 1; }
    cmp plugins.raw native.raw || differs 'the raw output of the plugins is not that of the native code'
    cmp plugins.txt native.txt || differs 'the text output of the plugins is not that of the native code'
    input=$(wc -c <trace.dlt)
    raw=$(wc -c <plugins.raw)
    garbage=$(sed -n 's/.*"skipped_bytes": *\([0-9]*\).*/\1/p' native.json)
    lines=$(wc -l <plugins.txt)
    [ "$((input - garbage))" -eq "$raw" ] || differs "$input bytes of input less $garbage of garbage are not the $raw bytes written"
    [ "$lines" -eq 30525 ] || differs "30525 messages gave $lines lines"
    printf '\nPlugins and native code agree: %s bytes of input, less %s bytes of garbage, are the %s bytes of raw output; %s lines of text.\n' \
        "$input" "$garbage" "$raw" "$lines"

# Set up, build everything in both ways, run all tests, then `check`
test:
    #!/usr/bin/env bash
    set -euo pipefail
    times=()
    step() {
        local name=$1 began=$SECONDS
        shift
        printf '\n== %s\n' "$name"
        {{ just }} "$@"
        times+=("$(printf '%5d s  %s' "$((SECONDS - began))" "$name")")
    }
    step 'tools' setup
    step 'command and plugins' build
    step 'plugins by cargo component' _plugins component '{{ components_folder }}'
    step 'plugins in the languages that are set up' _plugins-of-languages
    step 'every built plugin is a valid component' validate
    step 'guests of the WASI tests' wasi-guests
    step 'plugins of API 0.1.0' api-0_1_0
    step 'tests of the host' _test-host
    step 'tests of the guests, on the host' _test-guests
    step 'the engine without a compiler' headless
    step 'format, lints and documentation' check
    printf '\n== passed\n'
    printf '%s\n' "${times[@]}"

# Format, lints and documentation of both workspaces, without a warning
check:
    cargo fmt --all --check
    cd plugins && cargo fmt --all --check
    cd tests/wasi-guests && cargo fmt --all --check
    cargo clippy --release {{ locked }} --workspace --all-targets -- -D warnings
    cd plugins && CARGO_TARGET_DIR='{{ guest_target }}' cargo clippy --release {{ locked }} --workspace --all-targets -- -D warnings
    cd tests/wasi-guests && CARGO_TARGET_DIR='{{ wasi_guests }}' cargo clippy --release {{ locked }} --workspace -- -D warnings
    RUSTDOCFLAGS='-D warnings' cargo doc --release {{ locked }} --workspace --no-deps
    cd plugins && CARGO_TARGET_DIR='{{ guest_target }}' RUSTDOCFLAGS='-D warnings' cargo doc --release {{ locked }} --workspace --no-deps

# Figures, native against plugins, as tables, JSON and a chart: --quick, --only TEXT, --runs N, --max-size MB (try --help)
bench *ARGUMENTS: build api-0_1_0
    cargo build --release {{ locked }} --workspace --bin chipmunk-plugins-bench
    '{{ target }}/release/chipmunk-plugins-bench' "$@"

# As bench, and puts tables and chart where README shows them
bench-publish *ARGUMENTS:
    @{{ just }} bench --out docs/figures --readme README.md "$@"

# Count the instructions of a few runs under valgrind, and compare them with what is expected; --bless renews that
bench-check *ARGUMENTS: build api-0_1_0
    cargo build --release {{ locked }} --workspace --bin chipmunk-plugins-bench
    '{{ target }}/release/chipmunk-plugins-bench' check --expected tests/bench/expected.json "$@"

# Figures of the text parser in every language that is set up, beside native code: --runs N, --megabytes N, --only LANGUAGE,...; --json FILE
bench-languages *ARGUMENTS: build _plugins-of-languages
    cargo build --release {{ locked }} --workspace --bin chipmunk-plugins --bin chipmunk-bench-languages
    '{{ target }}/release/chipmunk-bench-languages' "$@"

# Check that plugins keep their contract: their files or names, then options (--set ID=VALUE, --input FILE, --json); without, all of them
conformance *ARGUMENTS: build
    #!/usr/bin/env bash
    set -euo pipefail
    if [ $# -eq 0 ]; then
        cargo test --release {{ locked }} --workspace --test plugins
        exit
    fi
    cd '{{ invocation_directory() }}'
    plugins=()
    while [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; do
        plugins+=("$1")
        shift
    done
    status=0
    for plugin in "${plugins[@]}"; do
        '{{ command }}' conformance "$plugin" "$@" || status=1
    done
    exit $status

# Figures of the component engine beside the wasmtime crate's: --runs N, --only TEXT, --json
bench-component *ARGUMENTS: _against-wasmtime
    '{{ against_wasmtime }}/release/against-wasmtime' bench "$@"

# Figures of WASI: guests reading a large file, beside std::fs; --runs N, --megabytes N
bench-wasi *ARGUMENTS: wasi-guests
    cargo build --release {{ locked }} --workspace --example bench-wasi
    '{{ target }}/release/examples/bench-wasi' "$@"

# Build the guest programs that the tests of host/wasi run, to where they find them
wasi-guests: _guest-toolchain
    @GUEST_WORKSPACE=tests/wasi-guests CARGO_TARGET_DIR='{{ wasi_guests }}' '{{ toolchain }}/guest-cargo' build --release --workspace --target wasm32-wasip2 {{ locked }}
    @cp '{{ wasi_guests }}'/wasm32-wasip2/release/*.wasm '{{ wasi_guests }}'
    @tests/wasi-guests/c/build.sh '{{ wasi_guests }}'

# Build the plugins of API 0.1.0 that tests and figures use, in Rust and, where it is set up, in C, into target/plugins-0.1.0
api-0_1_0: _guest-toolchain
    @CARGO_TARGET_DIR='{{ target }}/api-0.1.0' tests/api-0.1.0/build.sh '{{ target }}/plugins-0.1.0'

# Compare the component engine with the wasmtime crate, for MINUTES of generated cases and over SCRIPTS
differential MINUTES='5' *SCRIPTS='': _against-wasmtime
    '{{ against_wasmtime }}/release/against-wasmtime' differential --minutes {{ MINUTES }} {{ SCRIPTS }}

# Fuzz the component engine: MINUTES, then targets (all by default); failures go to fuzz-failures in the target folder
fuzz MINUTES='10' *TARGETS='':
    cargo build --release {{ locked }} --workspace --bin component-fuzz
    '{{ target }}/release/component-fuzz' --folder '{{ target }}/fuzz-failures' --minutes {{ MINUTES }} {{ TARGETS }}

# Run .wast scripts of the Component Model on the engine: our own, or the files and folders given (--json, --verbose)
wast *ARGUMENTS:
    cargo build --release {{ locked }} --workspace --bin component-wast
    @cd '{{ invocation_directory() }}' && [ $# -gt 0 ] || set -- '{{ justfile_directory() }}/tests/wast/scripts'; \
        '{{ target }}/release/component-wast' "$@"

# Check that the plugins given, or all that are built, are valid components
validate *PLUGINS:
    #!/usr/bin/env bash
    set -euo pipefail
    '{{ toolchain }}/tools.sh' wasm-tools
    shopt -s nullglob
    cd '{{ invocation_directory() }}'
    [ $# -gt 0 ] || set -- '{{ plugins_folder }}'/*.wasm '{{ components_folder }}'/*.wasm '{{ languages_folder }}'/*/*.wasm
    [ $# -gt 0 ] || { echo "validate: error: no plugin is built; run: just build" >&2; exit 1; }
    for plugin; do
        # The layer field of the header: 1 is a component, 0 a core module.
        [ "$(od -An -tx1 -j4 -N4 "$plugin" | tr -d ' ')" = 0d000100 ] ||
            { echo "validate: error: $plugin is not a component; make one of it with: wasm-tools component new" >&2; exit 1; }
        wasm-tools validate "$plugin"
        echo "valid: $plugin"
    done

_guest-toolchain:
    @'{{ toolchain }}/guest-toolchain.sh'

# Run, in a program without a compiler, what another has compiled
headless:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo build --release {{ locked }} --workspace --example artifact
    CARGO_TARGET_DIR='{{ target }}/headless' cargo build --release {{ locked }} -p wasmer-component --no-default-features --example artifact
    '{{ target }}/release/examples/artifact' compile host/component/examples/greet.wat '{{ target }}/greet.artifact'
    says=$('{{ target }}/headless/release/examples/artifact' run '{{ target }}/greet.artifact' greet headless)
    [ "$says" = 'Hello, headless' ] || { echo "headless: error: the artifact said: $says" >&2; exit 1; }
    if '{{ target }}/headless/release/examples/artifact' compile host/component/examples/greet.wat /dev/null 2>/dev/null; then
        echo 'headless: error: a compiler is linked' >&2
        exit 1
    fi
    compilers=$(CARGO_TARGET_DIR='{{ target }}/headless' cargo tree -p wasmer-component --no-default-features -e normal | grep -cE 'cranelift|wasmtime-environ' || true)
    [ "$compilers" -eq 0 ] || { echo 'headless: error: the build has a compiler among its dependencies' >&2; exit 1; }
    echo "headless: $says"

_against-wasmtime:
    cd tests/against-wasmtime && CARGO_TARGET_DIR='{{ against_wasmtime }}' cargo build --release {{ locked }}

_host:
    cargo build --release {{ locked }} --workspace --bin chipmunk-plugins

_plugins ROAD FOLDER:
    @CARGO_TARGET_DIR='{{ guest_target }}' '{{ toolchain }}/build-plugins.sh' {{ ROAD }} '{{ FOLDER }}' {{ plugins }}

# Make components of one world with every guest toolchain that is set up, and run them on the engine
toolchains *ROWS:
    cargo build --release {{ locked }} --workspace --bin component-toolchains
    @rm -rf '{{ target }}/toolchains'
    @tests/toolchains/build.sh '{{ target }}/toolchains' "$@"
    '{{ target }}/release/component-toolchains' '{{ target }}'/toolchains/*.wasm

_plugins-of-languages:
    #!/usr/bin/env bash
    set -euo pipefail
    present=$('{{ toolchain }}/languages.sh' --present)
    for language in c cpp zig python js; do
        if grep -qx "$language" <<<"$present"; then
            '{{ toolchain }}/plugin.sh' '{{ languages_folder }}' "$language"
        else
            # What an earlier set-up built is not what is tested now.
            rm -rf '{{ languages_folder }}'/"$language"
            echo "skipped: plugins in $language: not set up; run: just setup $language"
        fi
    done

_test-host:
    cargo test --release {{ locked }} --workspace

_test-guests:
    cd plugins && CARGO_TARGET_DIR='{{ guest_target }}' cargo test --release {{ locked }} --workspace
