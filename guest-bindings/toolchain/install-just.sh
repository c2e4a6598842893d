#!/usr/bin/env bash
# Puts `just` where the shell finds it, if it does not yet: out of its Python wheel, which takes
# seconds, else compiled by cargo, which takes minutes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

if have just; then
    say "$(just --version) is there"
    exit 0
fi

# The first of the usual folders that is on PATH and can be written.
bin=
for folder in "${CARGO_HOME:-$HOME/.cargo}/bin" "$HOME/.local/bin" /usr/local/bin; do
    case :$PATH: in *":$folder:"*) ;; *) continue ;; esac
    if mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ]; then
        bin=$folder
        break
    fi
done
[ -n "$bin" ] || die "no folder on PATH where 'just' could be put" \
    "mkdir -p ~/.local/bin && export PATH=\"\$HOME/.local/bin:\$PATH\", then run this again"

mkdir -p "$cache"
work=$(mktemp -d "$cache/making.XXXXXX")
trap 'rm -rf "$work"' EXIT

from_wheel() {
    have python3 && python3 -m pip --version >/dev/null 2>&1 || return 1
    say "fetching just from its Python wheel ..."
    python3 -m pip install --quiet --no-deps --only-binary :all: --target "$work/wheel" rust-just \
        >"$work/log" 2>&1 </dev/null && "$work/wheel/bin/just" --version >/dev/null 2>&1
}

if from_wheel; then
    made=$work/wheel/bin/just
elif have cargo; then
    waiting 'compiling just (2 to 5 minutes)' cargo install --locked --root "$work/cargo" just
    made=$work/cargo/bin/just
else
    die "'just' can be had neither from its Python wheel (no python3 with pip, or no network) nor by cargo (not installed)" \
        'install Rust with rustup, see rustup.rs, and run this again'
fi
mv "$made" "$bin/just"
say "$("$bin/just" --version) is now in $bin"
