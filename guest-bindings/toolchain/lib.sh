# shellcheck shell=bash
# What the set-up scripts share: where things are kept, how progress is told, and how Debian is
# asked for packages. Sourced, never run. What is installed, and when, is decided by the callers.

# Everything that is slow to make lives here, outside every checkout, and is reused by all of them.
cache=${CHIPMUNK_PLUGINS_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/chipmunk-plugins}

say() { printf 'setup: %s\n' "$*" >&2; }

die() {
    printf 'setup: error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# waiting WHAT COMMAND... runs a slow command, says what is being waited for and how long it took.
# The command's own output goes to a log that is shown only if it fails.
waiting() {
    local what=$1 log=$cache/log/$$.log began=$SECONDS status=0
    shift
    mkdir -p "$cache/log"
    say "$what ..."
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 40 "$log" >&2
        rm -f "$log"
        die "$what: failed with status $status; the end of its output is above"
    fi
    rm -f "$log"
    say "$what: done in $((SECONDS - began)) s"
}

# one_at_a_time NAME makes a second set-up wait until the first is done (released at exit).
one_at_a_time() {
    mkdir -p "$cache"
    have flock || return 0
    exec 9>"$cache/${1// /-}.lock"
    if ! flock -n 9; then
        say "another set-up is making the $1, waiting for it ..."
        flock 9
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo -n "$@"
    else
        return 1
    fi
}

apt_update() {
    waiting 'reading the list of Debian packages' as_root apt-get update -qq
}

# apt_install PACKAGE... installs what is missing; the package lists are read anew only if needed.
apt_install() {
    local missing=() package
    for package in "$@"; do
        dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get || die "these are needed and missing: ${missing[*]}" \
        'install them with the package manager of this machine, then run this again'
    export DEBIAN_FRONTEND=noninteractive
    apt-cache show "${missing[@]}" >/dev/null 2>&1 || apt_update
    as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 || {
        apt_update
        as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    } || die "Debian's packages could not be installed: ${missing[*]}" \
        "as root: apt-get update && apt-get install ${missing[*]}"
    say "installed Debian's ${missing[*]}"
}
