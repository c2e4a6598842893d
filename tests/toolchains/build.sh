#!/usr/bin/env bash
# `build.sh OUT [ROW...]` makes components of the world in wit/ with every guest toolchain, into the folder OUT. A row whose
# tools are absent is told as skipped; one that does not build is an error, after the others. What the guests have to give is in
# src/calls.rs. Where a toolchain's bindings are known to be wrong, README.md says so.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../guest-bindings/toolchain/native.sh"

mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
guests_here=$here/guests wit=$here/wit npm=$cache/js/node_modules/.bin others=$cache/js-others/node_modules/.bin python=$cache/python/bin
[ $# -gt 0 ] || set -- rust-unknown rust-wasip2 cargo-component c-wasi c-freestanding cpp zig js-starlingmonkey \
    js-quickjs-sync js-quickjs python python-stub assemblyscript
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/../../target}/toolchains-rust

# The toolchain that guest-toolchain.sh chose.
rust() {
    local chosen=()
    ! grep -qs ^debian "$cache/guest-toolchain" || chosen=(+wasm-guest)
    (cd "$guests_here/rust" && cargo ${chosen[@]+"${chosen[@]}"} "$@")
}

bindings() { chipmunk-guest bindings "$1" "$wit" "$2" "$work/$1-$2"; }

build() {
    case $1 in
    rust-unknown)
        rust build --release --target wasm32-unknown-unknown &&
            chipmunk-guest component "$CARGO_TARGET_DIR/wasm32-unknown-unknown/release/kit.wasm" "$out/$1.wasm"
        ;;
    rust-wasip2) rust build --release --target wasm32-wasip2 && cp "$CARGO_TARGET_DIR/wasm32-wasip2/release/kit.wasm" "$out/$1.wasm" ;;
    cargo-component) rust component build --release && cp "$CARGO_TARGET_DIR/wasm32-wasip1/release/kit.wasm" "$out/$1.wasm" ;;
    c-wasi)
        bindings c kit && find_compiler c &&
            "${compiler[@]}" -DWITH_WASI -O2 -mexec-model=reactor -I "$work/c-kit" -o "$work/core.wasm" "$guests_here/c/kit.c" \
                "$work/c-kit/kit.c" "$work/c-kit/kit_component_type.o" && chipmunk-guest component "$work/core.wasm" "$out/$1.wasm"
        ;;
    c-freestanding)
        # The headers of the C library without the library.
        bindings c kit && clang-22 --target=wasm32-unknown-unknown -isystem /usr/include/wasm32-wasi -D__wasi__ -O2 -nostdlib \
            -ffreestanding -fno-builtin -Wl,--no-entry -I "$work/c-kit" -o "$work/core.wasm" "$guests_here"/c/*.c \
            "$work/c-kit/kit.c" "$work/c-kit/kit_component_type.o" && chipmunk-guest component "$work/core.wasm" "$out/$1.wasm"
        ;;
    cpp)
        # libc++ asks that errors can be copied where `value()` is called, which bindings do of errors that cannot.
        bindings cpp kit && find_compiler cpp && sed -i 's/std::move(\(result[0-9]*\)).value()/*std::move(\1)/' "$work/cpp-kit/kit.cpp" &&
            "${compiler[@]}" -std=c++23 -fno-exceptions -fno-rtti -O2 -mexec-model=reactor -I "$work/cpp-kit" -o "$work/core.wasm" \
                "$guests_here/cpp/kit.cpp" "$work/cpp-kit/kit.cpp" "$work/cpp-kit/kit_component_type.o" &&
            chipmunk-guest component "$work/core.wasm" "$out/$1.wasm"
        ;;
    zig)
        bindings c small && (cd "$work" && "$python/python" -m ziglang build-exe "$guests_here/zig/small.zig" "$work/c-small/small.c" \
            "$work/c-small/small_component_type.o" -I "$work/c-small" -target wasm32-wasi -lc -mexec-model=reactor -O ReleaseFast \
            --name core -fstrip) && chipmunk-guest component "$work/core.wasm" "$out/$1.wasm"
        ;;
    js-starlingmonkey)
        "$npm/componentize-js" "$guests_here/js/kit.js" -w "$wit" -n kit -o "$out/$1.wasm" --disable stdio random clocks http fetch-event
        ;;
    js-quickjs-sync) "$others/componentize-qjs" --wit "$wit" -n kit --js "$guests_here/js/kit.js" --sync --stub-wasi -o "$out/$1.wasm" ;;
    js-quickjs) "$others/componentize-qjs" --wit "$wit" -n kit --js "$guests_here/js/kit.js" -o "$out/$1.wasm" ;;
    python) "$python/componentize-py" -d "$wit" -w kit componentize -p "$guests_here/python" -o "$out/$1.wasm" app ;;
    python-stub) "$python/componentize-py" -d "$wit" -w kit componentize -p "$guests_here/python" --stub-wasi -o "$out/$1.wasm" app ;;
    assemblyscript)
        # Names of exports that AssemblyScript cannot write are given in the text format.
        "$others/asc" "$guests_here/assemblyscript/kit.ts" -O2 --runtime stub --use abort= -o "$work/core.wasm" -t "$work/core.wat" &&
            sed -i 's/(export "\(text\|bytes\|through\)"/(export "test:kit\/words@0.1.0#\1"/' "$work/core.wat" &&
            "$others/wasm-as" --enable-bulk-memory "$work/core.wat" -o "$work/core.wasm" &&
            chipmunk-guest embed --utf16 "$wit" small "$work/core.wasm" "$work/embedded.wasm" &&
            chipmunk-guest component "$work/embedded.wasm" "$out/$1.wasm"
        ;;
    *) die "no such toolchain: $1" ;;
    esac
}

# What a row needs, and nobody has to have.
absent() {
    case $1 in
    rust-unknown)
        # Debian's toolchain has it; of rustup's targets the project needs others.
        grep -qs ^debian "$cache/guest-toolchain" || compgen -G "$(rustc --print target-libdir --target wasm32-unknown-unknown)/libstd-*.rlib" >/dev/null ||
            echo 'rustup target add wasm32-unknown-unknown'
        ;;
    rust-* | cargo-component) [ -f "$cache/guest-toolchain" ] || echo 'just setup' ;;
    c-freestanding) have clang-22 || echo 'just setup c, on Debian' ;;
    c-wasi) have chipmunk-guest && find_compiler c || echo 'just setup c' ;;
    cpp) have chipmunk-guest && find_compiler cpp || echo 'just setup cpp' ;;
    zig) [ -d "$cache/python" ] && have chipmunk-guest || echo 'just setup zig' ;;
    js-starlingmonkey) [ -x "$npm/componentize-js" ] || echo 'just setup js' ;;
    js-quickjs*) [ -x "$others/componentize-qjs" ] || echo "npm install --prefix $cache/js-others componentize-qjs@0.4.5" ;;
    assemblyscript) [ -x "$others/asc" ] || echo "npm install --prefix $cache/js-others assemblyscript@0.28.20" ;;
    python*) [ -x "$python/componentize-py" ] || echo 'just setup python' ;;
    esac
}

failed=()
for row; do
    remedy=$(absent "$row")
    if [ -n "$remedy" ]; then
        rm -f "$out/$row.wasm"
        echo "skipped: $row: its tools are absent; $remedy"
    elif build "$row" >"$work/log" 2>&1; then
        echo "built: $row"
    else
        tail -n 20 "$work/log" >&2
        failed+=("$row")
    fi
done
[ ${#failed[@]} -eq 0 ] || die "these do not build: ${failed[*]}"
