# Shell functions shared by the scripts of ops/: paths, messages, timing. Sourced, never run.
# shellcheck shell=bash

MSP_ROOT=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
MSP_STATE_DIR=${MSP_STATE_DIR:-$MSP_ROOT/.state}
MSP_BUILD_DIR=${MSP_BUILD_DIR:-$MSP_ROOT/build}
LISTEN=${LISTEN:-127.0.0.1:8000}

# Commands of this project run from other folders too, so every path is made absolute.
absolute() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac }
MSP_STATE_DIR=$(absolute "${MSP_STATE_DIR%/}")
MSP_BUILD_DIR=$(absolute "${MSP_BUILD_DIR%/}")

say() { printf '%s\n' "$*"; }
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() {
    warn "$*"
    exit 1
}

# Tenths of a second, for the time a step took.
now_tenths() {
    local now=${EPOCHREALTIME/[.,]/}
    printf '%d' "$((now / 100000))"
}

# step "Doing this" command…: one line with the seconds it took; what the command prints goes to
# $STEP_LOG and is shown only if it fails. The command runs in a subshell with errexit, so call step
# plainly: under if, && or || bash would let the command go on after a failure.
step() {
    local title=$1 began took code
    shift
    began=$(now_tenths)
    printf '  %-44s' "$title"
    set +e
    (
        set -e
        "$@"
    ) >"$STEP_LOG" 2>&1
    code=$?
    set -e
    if ((code != 0)); then
        printf 'failed\n'
        tail -n 40 "$STEP_LOG" >&2
        return "$code"
    fi
    took=$(($(now_tenths) - began))
    printf '%4d.%d s\n' $((took / 10)) $((took % 10))
}

# A random text of letters and digits that needs no quoting in a URL or an env file.
random_word() {
    local bytes=${1:-24}
    head -c "$bytes" /dev/urandom | od -An -tx1 | tr -d ' \n'
}

# Whether process $1 runs program $2 (the name of its file), so that a number that was given away
# since to somebody else's process is never taken for ours.
runs_program() {
    local file
    [[ $1 =~ ^[0-9]+$ ]] || return 1
    file=$(readlink "/proc/$1/exe" 2>/dev/null) || return 1
    # A program that was built anew while it runs shows as "(deleted)".
    file=${file% (deleted)}
    [[ ${file##*/} == "$2" ]]
}

# wait_for SECONDS command…: repeats the command until it succeeds.
wait_for() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < until)) || return 1
        sleep 0.1
    done
}
