#!/usr/bin/env bash
# `build.sh OUT` compiles the C programs of the WASI tests into the folder OUT, as core modules: the tests make components of
# them. Without a compiler they are skipped, and nothing of an earlier build is left for them to be taken for.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../../guest-bindings/toolchain/native.sh"

out=$1
if ! find_compiler c; then
    rm -f "$out/c-library.wasm"
    echo 'skipped: WASI guests in C: no compiler; run: just setup c'
    exit
fi
mkdir -p "$out"
"${compiler[@]}" -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o "$out/c-library.wasm" "$here/library.c"
