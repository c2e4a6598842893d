# shellcheck shell=bash
# What building plugins in C, C++ and Zig has in common: which compiler there is, the bindings of a world, and the
# component at the end. Sourced by their build.sh.
. "${BASH_SOURCE[0]%/*}/lib.sh"
export PATH=$cache/bin:$PATH
toolchain=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
guests=$toolchain/..
zig=$cache/python/bin/ziglang

# The compiler of C or C++ for WebAssembly, in the array `compiler`. Debian's clang where its C library for WASI is there, else
# Zig, which is one as well and brings its own; CHIPMUNK_PLUGINS_CC=clang or =zig decides otherwise.
find_compiler() {
    local language=$1 clang=clang-22 zig_command=cc
    [ "$language" = c ] || { clang=clang++-22 zig_command=c++; }
    case ${CHIPMUNK_PLUGINS_CC:-any} in
    any | clang)
        if have "$clang" && [ -f /usr/include/wasm32-wasi/stdlib.h ]; then
            compiler=("$clang" --target=wasm32-wasi -Wno-deprecated)
            return
        fi
        ;;
    esac
    [ "${CHIPMUNK_PLUGINS_CC:-any}" != clang ] || return 1
    if [ -x "$cache/python/bin/python" ] && "$cache/python/bin/python" -c 'import ziglang' 2>/dev/null; then
        compiler=("$cache/python/bin/python" -m ziglang "$zig_command" -target wasm32-wasi -mcpu=generic+simd128+bulk_memory)
        return
    fi
    return 1
}

# Flags of C and C++; everything is compiled once more, by the host: what counts is that little is left to do per byte.
flags=(-O3 -msimd128 -mbulk-memory -Wall -Wextra -Werror)
link_flags=(-mexec-model=reactor -Wl,--strip-debug)

# world parser|source sets `world`, the name that WIT and the bindings have for it, and `define`.
world() {
    case $1 in
    parser) world=parser define=CHIPMUNK_WORLD_PARSER ;;
    source) world=byte-source define=CHIPMUNK_WORLD_SOURCE ;;
    *) die "there are plugins of the kinds parser and source, not $1" ;;
    esac
    world_file=${world//-/_}
}

# The bindings and everything that is made on the way, in a folder that goes at the end.
work_folder() {
    have chipmunk-guest || die "chipmunk-guest is missing" "just setup c"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    chipmunk-guest bindings c "$guests/../wit" "$world" "$work"
}

# component CORE OUT
component() {
    mkdir -p "$(dirname "$2")"
    chipmunk-guest component "$1" "$work/component.wasm"
    mv "$work/component.wasm" "$2"
}
