#!/usr/bin/env bash
# Builds the plugin, checks that it keeps its contract, and compares what it makes of test/input.txt with test/expected.txt.
# CHIPMUNK_PLUGINS names the command chipmunk-plugins, if it is not on PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
command=${CHIPMUNK_PLUGINS:-chipmunk-plugins}

./build.sh
"$command" conformance ./{{name}}.wasm --input test/input.txt
"$command" export test/input.txt --source native --parser ./{{name}}.wasm --format csv | diff test/expected.txt -
echo 'passed: the output is test/expected.txt'
