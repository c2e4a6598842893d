#!/usr/bin/env bash
# `build.sh OUT` makes components of the plugins of API 0.1.0 in C: the text parser without any C library, for which clang is
# needed, and the file source with it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../../guest-bindings/toolchain/native.sh"

mkdir -p "$1"
out=$(cd "$1" && pwd)
wit=$here/../../../wit/0.1.0 include=$here/../../../guest-bindings/c/include
find_compiler c || die 'there is no C compiler for WebAssembly' 'just setup c'
have chipmunk-guest || die 'chipmunk-guest is missing' 'just setup c'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for world in parser byte-source; do chipmunk-guest bindings c "$wit" "$world" "$work"; done

if have clang-22; then
    # Headers of the C library for the bindings, and nothing else of it.
    free=(clang-22 --target=wasm32-unknown-unknown -isystem /usr/include/wasm32-wasi -D__wasi__ -nostdlib -ffreestanding
        -fno-builtin "${flags[@]}")
    "${free[@]}" -w -c -o "$work/parser.o" "$work/parser.c"
    "${free[@]}" -std=c17 -Wl,--no-entry -Wl,--strip-debug -I "$here" -I "$include" -I "$work" -o "$work/core.wasm" \
        "$here/text_parser.c" "$here/freestanding.c" "$include/../src/utf8.c" "$work/parser.o" "$work/parser_component_type.o"
    component "$work/core.wasm" "$out/c-text-parser.wasm"
fi
"${compiler[@]}" "${flags[@]}" -w -c -o "$work/byte_source.o" "$work/byte_source.c"
"${compiler[@]}" "${flags[@]}" "${link_flags[@]}" -std=c17 -I "$work" -o "$work/core.wasm" \
    "$here/file_source.c" "$work/byte_source.o" "$work/byte_source_component_type.o"
component "$work/core.wasm" "$out/c-file-source.wasm"
