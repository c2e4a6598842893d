#!/usr/bin/env bash
# `build.sh parser|source OUT.wasm PLUGIN.zig [FLAG...]` makes a component of a plugin in Zig.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../toolchain/native.sh"

world "$1"
out=$2 plugin=$(realpath "$3")
shift 3
python=$cache/python/bin/python
"$python" -c 'import ziglang' 2>/dev/null || die 'Zig is missing' 'just setup zig'
work_folder
# Zig's safety checks are left out: what is wrong in a plugin ends in a trap or in an archive that the host refuses.
(cd "$work" && "$python" -m ziglang build-exe -lc -mexec-model=reactor -fstrip --name core \
    -cflags "-D$define" -std=c17 -- "$work/$world_file.c" "$here/../c/src/plugin.c" "$here/../c/src/archive.c" \
    "$here/../c/src/utf8.c" -I "$here/../c/include" -I "$work" "$work/${world_file}_component_type.o" \
    -target wasm32-wasi -mcpu=generic+simd128+bulk_memory -O ReleaseFast "$@" \
    --dep chipmunk "-Mroot=$plugin" \
    -target wasm32-wasi -mcpu=generic+simd128+bulk_memory -O ReleaseFast "-Mchipmunk=$here/src/chipmunk.zig")
component "$work/core.wasm" "$out"
