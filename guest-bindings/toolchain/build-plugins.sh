#!/usr/bin/env bash
# `build-plugins.sh plain|component|core OUT PLUGIN...` builds the named plugins of the guest workspace
# and puts them into the folder OUT as PLUGIN.wasm:
#   plain      cargo build --target wasm32-wasip2: what a newcomer has, no tool needed
#   component  cargo component build: as most published plugins are made (on wasm32-wasip1)
#   core       cargo build --target wasm32-wasip1: core modules, of which nothing made components
# A file that is the same as before is left alone, so that nobody downstream thinks it is new.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

road=$1 out=$2
shift 2
packages=()
for plugin in "$@"; do packages+=(-p "$plugin"); done
# In CI the lock file is the law.
locked=()
[ -z "${CI:-}" ] || [ ! -f "$here/../../plugins/Cargo.lock" ] || locked=(--locked)

case $road in
plain)
    target=wasm32-wasip2
    "$here/guest-cargo" build --release --target $target ${locked[@]+"${locked[@]}"} "${packages[@]}"
    ;;
component)
    target=wasm32-wasip1
    "$here/guest-cargo" component build --release --target $target ${locked[@]+"${locked[@]}"} "${packages[@]}"
    ;;
core)
    target=wasm32-wasip1
    "$here/guest-cargo" build --release --target $target ${locked[@]+"${locked[@]}"} "${packages[@]}"
    ;;
*) die "no such road to build plugins: $road" 'known are: plain component core' ;;
esac

# cargo component puts its components where cargo has put the linker's output, and leaves that alone in `deps`.
folder=$target/release
[ "$road" != core ] || folder=$target/release/deps

mkdir -p "$out"
for plugin in "$@"; do
    built=${CARGO_TARGET_DIR:-$here/../../plugins/target}/$folder/${plugin//-/_}.wasm
    [ -f "$built" ] || die "plugin $plugin was built, but there is no ${plugin//-/_}.wasm" \
        "its Cargo.toml needs: [lib] crate-type = [\"cdylib\"]"
    if ! cmp -s "$built" "$out/$plugin.wasm"; then
        cp "$built" "$out/$plugin.wasm.new"
        mv "$out/$plugin.wasm.new" "$out/$plugin.wasm"
    fi
done
