#!/usr/bin/env bash
# `build.sh parser|source OUT.wasm SOURCE.cpp... [FLAG...]` makes a component of a plugin in C++.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../toolchain/native.sh"

world "$1"
out=$2
shift 2
c=$here/../c
work_folder
find_compiler c || die 'there is no C compiler for WebAssembly' 'just setup cpp'
"${compiler[@]}" "${flags[@]}" -w -c -o "$work/bindings.o" "$work/$world_file.c"
objects=("$work/bindings.o" "$work/${world_file}_component_type.o")
for source in plugin archive utf8; do
    "${compiler[@]}" "${flags[@]}" "-D$define" -std=c17 -I "$c/include" -I "$work" -c -o "$work/$source.o" "$c/src/$source.c"
    objects+=("$work/$source.o")
done
find_compiler cpp || die 'there is no C++ compiler for WebAssembly' 'just setup cpp'
"${compiler[@]}" "${flags[@]}" "${link_flags[@]}" -std=c++23 -fno-exceptions -fno-rtti -I "$here/include" -I "$c/include" \
    -o "$work/core.wasm" "$@" "${objects[@]}"
component "$work/core.wasm" "$out"
