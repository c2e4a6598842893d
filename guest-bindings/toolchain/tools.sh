#!/usr/bin/env bash
# `tools.sh NAME...` sees to it that the named command line tools are there: those on PATH in a
# version that does, else compiled into `bin` of the cache folder, which the justfile puts on PATH.
# Only what a recipe needs is asked for, because compiling takes minutes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"
export PATH=$cache/bin:$PATH
cd "$here/../.."

# tool NAME VERSION ACCEPTED HOW-LONG [CARGO-INSTALL-OPTION...]; ACCEPTED is a pattern of versions.
tool() {
    local name=$1 version=$2 accepted=$3 how_long=$4 found
    shift 4
    found=$("$name" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1) || true
    if [[ $found =~ ^$accepted$ ]]; then
        say "$name $found is there"
        return
    fi
    have cargo || die "Rust is not installed (no cargo on PATH)" \
        'install it with rustup, see rustup.rs, and open a new shell'
    # An interrupted build goes on where it was.
    waiting "compiling $name $version, once ($how_long)" \
        env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_TARGET \
        CARGO_TARGET_DIR="$cache/compiling" CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 \
        cargo install --locked --force --root "$cache" --version "$version" "$@" "$name"
    rm -rf "$cache/compiling"
}

# The project's own tool is compiled anew when its sources are others than last time.
chipmunk_guest() {
    local sources=$here/chipmunk-guest made
    made=$(cat "$sources"/Cargo.* "$sources"/src/*.rs | cksum | cut -d ' ' -f 1)
    if [ -x "$cache/bin/chipmunk-guest" ] && [ "$(cat "$cache/chipmunk-guest" 2>/dev/null)" = "$made" ]; then
        say "chipmunk-guest is there"
        return
    fi
    have cargo || die "Rust is not installed (no cargo on PATH)" \
        'install it with rustup, see rustup.rs, and open a new shell'
    waiting "compiling chipmunk-guest, once (1 to 2 minutes)" \
        env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_TARGET \
        CARGO_TARGET_DIR="$cache/compiling" CARGO_INCREMENTAL=0 \
        cargo install --locked --force --debug --root "$cache" --path "$sources"
    printf '%s\n' "$made" >"$cache/chipmunk-guest"
    rm -rf "$cache/compiling"
}

one_at_a_time tools
# Debug builds: these tools are given little to do here, and compile in a quarter of the time.
for name in "$@"; do
    case $name in
    chipmunk-guest)
        chipmunk_guest
        ;;
    wasm-tools)
        tool wasm-tools 1.263.0 '1\.2[4-9][0-9]\.[0-9]+' '1 to 3 minutes' \
            --debug --no-default-features --features validate,print,component,metadata
        ;;
    cargo-component)
        tool cargo-component 0.21.1 '0\.21\.[0-9]+' '3 to 6 minutes' --debug
        ;;
    *) die "no such tool: $name" 'known are: wasm-tools cargo-component chipmunk-guest' ;;
    esac
done
