# Which files are ours, without asking git: a tarball or a checkout of another user's must do too.
# Sourced after common.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by whoever sources this

ROOMS=(common db server workers)

# files_below FOLDER… -- PATTERN…: paths below the checkout, one a line, sorted.
files_below() {
    local folders=() names=()
    while [[ $1 != -- ]]; do
        [[ ! -e $1 ]] || folders+=("$1")
        shift
    done
    shift
    names=(-name "$1")
    shift
    while (($#)); do
        names+=(-o -name "$1")
        shift
    done
    ((${#folders[@]})) || return 0
    find "${folders[@]}" \( -name __pycache__ -o -name node_modules \) -prune -o -type f \( "${names[@]}" \) -print | sort
}
