#!/usr/bin/env bash
# `build.sh parser|source OUT.wasm PLUGIN.py` makes a component of a plugin in Python; what it imports lies beside it.
# componentize-py makes the bindings, and puts CPython and its library into the component.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../toolchain/lib.sh"

kind=$1 out=$2 plugin=$(realpath "$3")
componentize=$cache/python/bin/componentize-py
[ -x "$componentize" ] || die 'componentize-py is missing' 'just setup python'
# A parser needs nothing of the system: what CPython would import is replaced by traps, so that it needs no grants.
case $kind in
parser) world=chipmunk:plugins/parser@0.2.0 stub=(--stub-wasi) ;;
source) world=byte-source stub=() ;;
*) die "there are plugins of the kinds parser and source, not $kind" ;;
esac
mkdir -p "$(dirname "$out")"
"$componentize" -d "$here/../../wit" -w "$world" componentize -p "$here/src" -p "$(dirname "$plugin")" \
    ${stub[@]+"${stub[@]}"} -o "$out.new" "$(basename "$plugin" .py)"
mv "$out.new" "$out"
