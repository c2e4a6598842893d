#!/usr/bin/env bash
# Builds the plugin: {{name}}.wasm. What it is built with is fetched first if it is missing, and kept for the next time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

sdk/toolchain/languages.sh rust
GUEST_WORKSPACE=. sdk/toolchain/guest-cargo build --release --target wasm32-wasip2
cp "${CARGO_TARGET_DIR:-target}/wasm32-wasip2/release/{{crate}}.wasm" {{name}}.wasm.new
mv {{name}}.wasm.new {{name}}.wasm
echo "built: $PWD/{{name}}.wasm"
