#!/usr/bin/env bash
# `build.sh parser|source OUT.wasm PLUGIN.js` makes a component of a plugin in JavaScript; what it imports lies in folders
# beside it. componentize-js makes the bindings, and puts StarlingMonkey, an engine of JavaScript, into the component.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../toolchain/lib.sh"

kind=$1 out=$2 plugin=$(realpath "$3")
componentize=$cache/js/node_modules/.bin/componentize-js
have node && [ -x "$componentize" ] || die 'componentize-js is missing' 'just setup js'
case $kind in
parser) world=chipmunk:plugins/parser@0.2.0 ;;
source) world=chipmunk:plugins/byte-source-with-files@0.2.0 ;;
*) die "there are plugins of the kinds parser and source, not $kind" ;;
esac
mkdir -p "$(dirname "$out")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/../../wit" "$here/wit" "$work"
# Nothing of the system is there but what the world imports: no clocks, no network, and no console.
"$componentize" "$plugin" -w "$work/wit" -n "$world" -o "$work/component.wasm" \
    --disable stdio random clocks http fetch-event
mv "$work/component.wasm" "$out"
