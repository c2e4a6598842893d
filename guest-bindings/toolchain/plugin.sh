#!/usr/bin/env bash
# `plugin.sh OUT LANGUAGE...` builds the example plugins of these languages into OUT/LANGUAGE: the text parser, the file
# source, and the plugin by which tests compare the language's archives with Rust's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

out=$1
shift
[ "${1:-all}" != all ] || set -- c cpp zig python js
for language in "$@"; do
    guest=$here/../$language
    sources=("$guest" "$here/native.sh" "$here/../../wit")
    case $language in
    c) extension=c ;;
    # These stand on C's.
    cpp | zig) extension=$language sources+=("$here/../c") ;;
    python) extension=py ;;
    js) extension=js ;;
    *) die "no such language: $language" 'known are: c cpp zig python js; Rust plugins are built by: just build' ;;
    esac
    while read -r kind name source; do
        # Componentizing an interpreter takes half a minute: not without need.
        if [ -z "$(find "${sources[@]}" -type f ! -name '*.pyc' ! -name '*.md' -newer "$out/$language/$name.wasm" -print -quit 2>&1)" ]; then
            continue
        fi
        waiting "building $name in $language" "$guest/build.sh" "$kind" "$out/$language/$name.wasm" "$guest/$source.$extension"
    done <<END
parser text-parser examples/text_parser
source file-source examples/file_source
parser vectors tests/vectors
END
done
