#!/usr/bin/env bash
# Builds the plugin: {{name}}.wasm. What it is built with is fetched first if it is missing, and kept for the next time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

sdk/toolchain/languages.sh {{language}}
sdk/{{language}}/build.sh {{kind}} {{name}}.wasm {{source}}
echo "built: $PWD/{{name}}.wasm"
