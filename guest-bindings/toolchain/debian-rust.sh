#!/usr/bin/env bash
# Makes a Rust toolchain with std for the wasm targets out of Debian's packages, for machines where
# rustup cannot fetch a target: `debian-rust.sh OUT` leaves it in the folder OUT, which must not
# exist. Called by guest-toolchain.sh, which names OUT, links it into rustup and cleans up.
#
# Debian's security archive carries a current rustc for browsers (`rustc-web`), with the source of
# its own std but no wasm std. The packages are unpacked, not installed (they refuse to live beside
# rustup's package), std is built from that source, and what it wants of libc and Debian's older
# wasi-libc lacks or has wrong comes from wasi_stubs.rs and crt1_command.rs. The pieces must match in version: std can be built only
# by the compiler it was released with, which is why the host's own rustc cannot do it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

out=$1
oldest=1.96
targets=(wasm32-wasip2 wasm32-wasip1 wasm32-unknown-unknown)

candidate() { apt-cache policy "$1" 2>/dev/null | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }

recent_enough() {
    version=$(candidate rustc-web)
    [ -n "$version" ] && dpkg --compare-versions "$version" ge "$oldest"
}

for command in apt-get dpkg ar cc rustup; do
    have "$command" || die "making the guest toolchain from Debian's packages needs '$command'" \
        'either a Debian machine with build-essential and rustup,' \
        'or one where this works: rustup target add wasm32-wasip2 wasm32-wasip1'
done

work=$(mktemp -d "$cache/making.XXXXXX")
trap 'rm -rf "$work"' EXIT

# 1. The packages, unpacked.

recent_enough || apt_update
recent_enough || die "Debian offers rustc-web '${version:-none}' here, needed is $oldest or newer" \
    "add the -security suite of this Debian release to apt's sources, then run this again"
release=${version%%[+-]*}
std=libstd-rust-web-${release%.*}
llvm=$(apt-cache depends "$std" | awk '$2 ~ /^libllvm[0-9]+$/ { print $2; exit }')
lld=lld-${llvm#libllvm}
fetch() {
    # As root, apt would else complain that its own user may not write here.
    (cd "$work" && apt-get download -qq -o APT::Sandbox::User=root \
        rustc-web "$std" libstd-rust-web-dev rust-web-src rust-web-llvm "$llvm" "$lld" wasi-libc)
    local package
    for package in "$work"/*.deb; do
        dpkg -x "$package" "$work/root"
        rm "$package"
    done
}
waiting "fetching Debian's rustc $release (140 MB)" fetch
debian=$work/root/usr

# 2. The layout rustup expects of a toolchain: bin/, lib/ with the compiler's libraries, lib/rustlib.

host=$(basename "$(dirname "$(find "$debian/lib/rustlib" -path '*-linux-gnu/lib' -type d)")")
made=$work/toolchain
tools=$made/lib/rustlib/$host/bin
mkdir -p "$made/bin" "$made/lib"
mv "$debian/bin/rustc" "$debian/bin/rustdoc" "$made/bin/"
mv "$debian"/lib/*-linux-gnu/*.so* "$made/lib/"
mv "$debian/lib/rustlib" "$made/lib/rustlib"
# Cargo is the host's own: Debian's needs libraries that a small machine does not have.
cp -L "$(rustup which cargo)" "$made/bin/cargo"
# Links into /usr/bin of a machine where the packages are installed; lld finds its flavour and its
# libraries by its own name and place, so it is moved in as a real file.
find "$tools" -type l -delete
mv "$debian/lib/llvm-${llvm#libllvm}/bin/lld" "$tools/rust-lld"
mkdir -p "$tools/gcc-ld"
ln -s rust-lld "$tools/wasm-ld"
ln -s ../rust-lld "$tools/gcc-ld/wasm-ld"

export LD_LIBRARY_PATH=$made/lib
if ldd "$made/bin/rustc" "$tools/rust-lld" "$made"/lib/*.so* | grep -q 'not found'; then
    # shellcheck disable=SC2046 # one word per package
    apt_install $(apt-cache depends "$llvm" | awk '$1 == "Depends:" && $2 !~ /^</ { print $2 }')
fi

# 3. std for wasm. With bitcode, or guests that set `lto` cannot link; with the path of the source
#    replaced, or the panic messages of every guest would carry the name of this temporary folder.

library=$made/lib/rustlib/src/rust/library
rm -rf "$made/lib/rustlib/src"
mkdir -p "$(dirname "$library")"
mv "$debian/src/rustc-$release/library" "$library"
mkdir -p "$work/std/src"
: >"$work/std/src/lib.rs"
printf '[package]\nname = "std-for-wasm"\nedition = "2024"\n[workspace]\n' >"$work/std/Cargo.toml"
export RUSTC=$made/bin/rustc RUSTC_BOOTSTRAP=1
build_std() {
    cd "$work/std"
    env -u CARGO_TARGET_DIR -u CARGO_BUILD_TARGET -u CARGO_ENCODED_RUSTFLAGS \
        RUSTFLAGS="-Cembed-bitcode=yes --remap-path-prefix=$library=/rustc/$release/library" \
        "$made/bin/cargo" build --release -Zbuild-std=std,panic_abort "${targets[@]/#/--target=}"
}
waiting "building std for ${targets[*]} (2 to 5 minutes)" build_std
for target in "${targets[@]}"; do
    mkdir -p "$made/lib/rustlib/$target/lib"
    mv "$work/std/target/$target"/release/deps/*.rlib "$made/lib/rustlib/$target/lib/"
    rm "$made/lib/rustlib/$target/lib"/libstd_for_wasm-*
done
rm -rf "$made/lib/rustlib/src"

# 4. libc for the WASI targets, with the stubs, and a beginning of commands that is sound. The plain `ar` will do: lld reads
#    archives that have no symbol index.

libc=$debian/lib/wasm32-wasi
object() {
    "$RUSTC" --edition 2024 --target wasm32-wasip1 -O -Cpanic=abort -Ccodegen-units=1 \
        --crate-type lib --emit "obj=$2" "$here/$1.rs"
}
object wasi_stubs "$work/wasi_stubs.o"
object crt1_command "$libc/crt1-command.o"
ar r "$libc/libc.a" "$work/wasi_stubs.o" 2>/dev/null
for target in wasm32-wasip1 wasm32-wasip2; do
    mkdir -p "$made/lib/rustlib/$target/lib/self-contained"
    cp "$libc"/crt1-command.o "$libc"/crt1-reactor.o "$libc"/libc.a "$libc"/libwasi-emulated-*.a \
        "$made/lib/rustlib/$target/lib/self-contained/"
done

# 5. The proof: a program that touches every corner of std which needs libc links for both targets.

unset RUSTC_BOOTSTRAP
for target in wasm32-wasip1 wasm32-wasip2; do
    waiting "trying the toolchain for $target" "$RUSTC" --edition 2024 --target "$target" -O \
        -Clto=fat "$here/proof.rs" -o "$work/proof.wasm"
done
chmod -R u+w "$made"
mv "$made" "$out"
