#!/usr/bin/env bash
# `languages.sh LANGUAGE...` sees to it that what plugins in these languages are built with is there; `all` is all of them.
# Everything comes from Debian's packages, npm, Python's package index or the Rust registry; what is not a Debian package goes
# into the cache folder. Quick when all is there. `languages.sh --present` says for which languages it is, one a line.
# `languages.sh llvm` is what the *host* is built with, for its feature `llvm`; `all` is without it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/native.sh"

readonly languages='rust c cpp zig python js'
readonly ziglang=0.17.1 componentize_py=0.25.1 componentize_js=0.23.0

# python_package NAME VERSION installs it into the cache folder's own environment.
python_package() {
    local name=$1 version=$2 environment=$cache/python
    if "$environment/bin/python" -c "import importlib.metadata as m; assert m.version('$name') == '$version'" 2>/dev/null; then
        say "$name $version is there"
        return
    fi
    have python3 || apt_install python3 python3-venv
    if [ ! -x "$environment/bin/python" ]; then
        rm -rf "$environment"
        # Debian has a package of its own for this part of Python.
        python3 -m venv "$environment" >/dev/null 2>&1 || {
            rm -rf "$environment"
            apt_install python3-venv
            waiting 'making a Python environment' python3 -m venv "$environment"
        }
    fi
    waiting "fetching $name $version, once (seconds, up to 100 MB)" \
        "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "$name==$version"
}

# Nothing else is installed beside it: npm then takes away what it needs.
npm_package() {
    local name=$1 version=$2 folder=$cache/js
    if [ "$(js_version)" = "$version" ]; then
        say "$name $version is there"
        return
    fi
    have npm || apt_install nodejs npm
    rm -rf "$folder"
    mkdir -p "$folder"
    waiting "fetching $name $version, once (half a minute)" \
        npm install --prefix "$folder" --no-audit --no-fund --loglevel=error "$name@$version"
}

# The version of componentize-js, if it runs.
js_version() { "$cache/js/node_modules/.bin/componentize-js" --version 2>/dev/null || true; }

# A compiler for WebAssembly: Debian's clang where packages can be installed, else Zig's, which any user can fetch.
native_compiler() {
    if find_compiler c && find_compiler cpp && { [ "$1" = c ] || has_cpp_library; }; then
        say "a compiler for $1 is there: ${compiler[*]}"
        return
    fi
    if [ "${CHIPMUNK_PLUGINS_CC:-any}" != zig ] && have apt-get && { [ "$(id -u)" -eq 0 ] || { have sudo && sudo -n true 2>/dev/null; }; } &&
        { apt-cache show clang-22 libclang-rt-22-dev-wasm32 2>/dev/null | grep -q ^Package || { apt_update && apt-cache show clang-22 2>/dev/null | grep -q ^Package; }; }; then
        say "installing Debian's clang 22 (half a minute)"
        apt_install clang-22 lld-22 wasi-libc libclang-rt-22-dev-wasm32 libc++-22-dev-wasm32
    else
        say "Debian's clang 22 is not to be had here; Zig compiles C and C++ as well"
        python_package ziglang "$ziglang"
    fi
    find_compiler c && find_compiler cpp || die "there is no compiler for C for WebAssembly" \
        "install clang 22 with wasi-libc, or: CHIPMUNK_PLUGINS_CC=zig just setup c"
}

# With clang, C++ needs one more package.
has_cpp_library() { [[ ${compiler[0]} != clang* ]] || [ -f /usr/include/wasm32-wasi/c++/v1/vector ]; }

# LLVM as a library, for wasmer's compiler of that name, and what it is linked with.
llvm() {
    if [ -x "${LLVM_SYS_221_PREFIX:-/usr/lib/llvm-22}/bin/llvm-config" ] && { [ -n "${LLVM_SYS_221_PREFIX:-}" ] || dpkg -s llvm-22-dev libpolly-22-dev libzstd-dev zlib1g-dev >/dev/null 2>&1; }; then
        say "LLVM 22 is there"
        return
    fi
    say "installing Debian's LLVM 22 as a library (a minute, 500 MB)"
    have apt-get || die 'LLVM 22 is needed as a library, with its static libraries' \
        'install it and set LLVM_SYS_221_PREFIX to where its bin/llvm-config is'
    apt_install llvm-22-dev libpolly-22-dev libzstd-dev zlib1g-dev
}

present() {
    case $1 in
    rust) [ -f "$cache/guest-toolchain" ] ;;
    c) have chipmunk-guest && find_compiler c ;;
    cpp) have chipmunk-guest && find_compiler cpp && has_cpp_library ;;
    zig) have chipmunk-guest && [ -x "$cache/python/bin/python" ] && "$cache/python/bin/python" -c 'import ziglang' 2>/dev/null ;;
    python) [ -x "$cache/python/bin/componentize-py" ] ;;
    js) [ -n "$(js_version)" ] ;;
    esac
}

if [ "${1:-}" = --present ]; then
    for language in $languages; do
        if present "$language"; then printf '%s\n' "$language"; fi
    done
    exit
fi

[ $# -gt 0 ] || die 'which languages?' "known are: $languages, and all of them: all"
[ "$1" != all ] || set -- $languages
for language in "$@"; do
    [[ " $languages llvm " == *" $language "* ]] || die "no such language: $language" "known are: $languages, all of them: all; and llvm, for \`just build-llvm\`"
done
for language in "$@"; do
    case $language in
    rust) "$here/guest-toolchain.sh" ;;
    c | cpp)
        native_compiler "$language"
        "$here/tools.sh" chipmunk-guest
        ;;
    zig)
        python_package ziglang "$ziglang"
        "$here/tools.sh" chipmunk-guest
        ;;
    llvm) llvm ;;
    python) python_package componentize-py "$componentize_py" ;;
    js) npm_package @bytecodealliance/componentize-js "$componentize_js" ;;
    esac
done
