#!/usr/bin/env bash
# `build.sh parser|source OUT.wasm SOURCE.c... [FLAG...]` makes a component of a plugin in C.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../toolchain/native.sh"

world "$1"
out=$2
shift 2
find_compiler c || die 'there is no C compiler for WebAssembly' 'just setup c'
work_folder
# Generated code is compiled without warnings: it is not ours to mend.
"${compiler[@]}" "${flags[@]}" -w -c -o "$work/bindings.o" "$work/$world_file.c"
"${compiler[@]}" "${flags[@]}" "${link_flags[@]}" "-D$define" -std=c17 -I "$here/include" -I "$work" -o "$work/core.wasm" \
    "$@" "$here"/src/*.c "$work/bindings.o" "$work/${world_file}_component_type.o"
component "$work/core.wasm" "$out"
