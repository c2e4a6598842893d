#!/usr/bin/env bash
# Sees to it that Rust guests can be built, and remembers how: by rustup's own toolchain where the
# wasm targets are there or rustup can add them, else by one made of Debian's packages
# (debian-rust.sh) and linked into rustup as `wasm-guest`. The answer is kept in the file
# `guest-toolchain` of the cache folder, where guest-cargo reads it.
#
#   CHIPMUNK_PLUGINS_GUEST=rustup|debian   insists on one of the two and changes what is remembered
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

targets=(wasm32-wasip2 wasm32-wasip1)
link=wasm-guest
remembered=$cache/guest-toolchain
wanted=${CHIPMUNK_PLUGINS_GUEST:-auto}

# A toolchain made by other scripts than these is another toolchain.
recipe=$(cat "$here/debian-rust.sh" "$here/wasi_stubs.rs" "$here/crt1_command.rs" "$here/proof.rs" | cksum | cut -d ' ' -f 1)
made=$cache/guest-rust-$recipe

# Targets are looked up and added in the checkout, where rust-toolchain.toml names the toolchain.
cd "$here/../.."

has_targets() {
    local target
    for target in "${targets[@]}"; do
        compgen -G "$(rustc --print target-libdir --target "$target")/libstd-*.rlib" >/dev/null || return 1
    done
}

# Without network rustup would try for minutes; these limits end it in seconds, and a download that
# is moving is not cut off.
rustup_adds_targets() {
    have rustup || return 1
    say "asking rustup for the targets ${targets[*]} ..."
    RUST_BACKTRACE=0 RUSTUP_MAX_RETRIES=0 RUSTUP_DOWNLOAD_TIMEOUT=15 rustup target add "${targets[@]}" \
        >"$cache/rustup.log" 2>&1 </dev/null && has_targets
}

is_linked() { [ "$(rustup run "$link" rustc --print sysroot 2>/dev/null)" = "$(cd "$made" && pwd -P)" ]; }

use_debian() {
    if [ ! -d "$made" ]; then
        say "making a guest toolchain from Debian's packages, once, in $made"
        "$here/debian-rust.sh" "$made"
        # The one before is kept for a checkout of another version; older ones go.
        find "$cache" -maxdepth 1 -name 'guest-rust-*' ! -path "$made" -printf '%T@ %p\n' |
            sort -rn | tail -n +2 | cut -d ' ' -f 2- | while read -r old; do rm -rf "$old"; done
    fi
    is_linked || rustup toolchain link "$link" "$made"
    remember "debian $recipe"
    say "guest toolchain: $(rustup run "$link" rustc --version | cut -d ' ' -f 1,2) from Debian's packages, as '$link'"
}

use_rustup() {
    remember rustup
    say "guest toolchain: $(rustc --version | cut -d ' ' -f 1,2) with rustup's wasm targets"
}

remember() {
    [ "$(cat "$remembered" 2>/dev/null)" = "$1" ] || printf '%s\n' "$1" >"$remembered"
}

for command in rustc cargo; do
    have "$command" || die "Rust is not installed (no $command on PATH)" \
        'install it with rustup, see rustup.rs, and open a new shell'
done
rustc --version >/dev/null || die "the Rust toolchain named by rust-toolchain.toml is not usable, see above" \
    "rustup toolchain install $(sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml 2>/dev/null)"

one_at_a_time 'guest toolchain'
case $wanted in
rustup)
    has_targets || rustup_adds_targets || die "rustup could not add the targets ${targets[*]}" \
        "what rustup said is in $cache/rustup.log" \
        'unset CHIPMUNK_PLUGINS_GUEST to build the toolchain from Debian packages instead'
    use_rustup
    ;;
debian)
    use_debian
    ;;
auto)
    if [[ "$(cat "$remembered" 2>/dev/null)" == debian* ]] && have rustup; then
        use_debian
    elif has_targets || rustup_adds_targets; then
        use_rustup
    elif have apt-get && have rustup; then
        say "rustup cannot fetch them (what it said is in $cache/rustup.log)"
        use_debian
    else
        die "no way to build wasm guests: the targets ${targets[*]} are not installed, rustup" \
            "cannot add them, and this is not a Debian machine with rustup." \
            "with network: rustup target add ${targets[*]}"
    fi
    ;;
*)
    die "CHIPMUNK_PLUGINS_GUEST is '$wanted', it can be: auto, rustup, debian"
    ;;
esac
