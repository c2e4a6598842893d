#!/usr/bin/env bash
# `build.sh OUT` builds the plugins of API 0.1.0 into OUT: those in Rust, and those in C where C is set up. The
# text parser in C is of the flavour *plain*, the others import WASI 0.2.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../guest-bindings/toolchain/lib.sh"
toolchain=$here/../../guest-bindings/toolchain

mkdir -p "$1"
out=$(cd "$1" && pwd)
export PATH=$cache/bin:$PATH CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target}
# In CI the lock file is the law.
locked=()
[ -z "${CI:-}" ] || locked=(--locked)
cargo() { GUEST_WORKSPACE=tests/api-0.1.0 "$toolchain/guest-cargo" build --release ${locked[@]+"${locked[@]}"} "$@"; }
# A file that is the same as before is left alone, so that nobody downstream thinks it is new.
put() { cmp -s "$1" "$2" || { cp "$1" "$2.new" && mv "$2.new" "$2"; }; }

cargo --target wasm32-wasip2 --workspace
for plugin in dlt-parser file-source text-parser; do
    put "$CARGO_TARGET_DIR/wasm32-wasip2/release/api01_${plugin/-/_}.wasm" "$out/$plugin.wasm"
done

present=$("$toolchain/languages.sh" --present)
if grep -qx c <<<"$present"; then
    "$here/c/build.sh" "$out"
else
    # What an earlier set-up built is not what is tested now.
    rm -f "$out"/c-*.wasm
    say 'skipped: plugins of API 0.1.0 in C: not set up; run: just setup c'
fi
