# Configuring and building with CMake. Sourced after common.sh.
# shellcheck shell=bash

# build_in FOLDER TARGET CMAKE-OPTION…: configures when the folder is new or an option differs, then
# builds. Two builds of one folder take turns. Safe under if: no line leans on errexit.
build_in() {
    local folder=$1 target=$2 home asked
    shift 2
    mkdir -p "$folder" || return 1
    exec 8>"$folder/.building"
    flock -w 1200 8 || fail "another build of $folder has not ended for 20 minutes"
    if [[ -e $folder/CMakeCache.txt ]]; then
        home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$folder/CMakeCache.txt")
        [[ $home == "$MSP_ROOT" ]] ||
            fail "$folder was configured for the sources in $home; remove it, or name another folder by MSP_BUILD_DIR"
    fi
    asked=$(printf '%s\n' "$@")
    if [[ ! -e $folder/build.ninja || $(cat "$folder/.asked" 2>/dev/null) != "$asked" ]]; then
        cmake -S "$MSP_ROOT" -B "$folder" -G Ninja "$@" || return 1
        printf '%s\n' "$asked" >"$folder/.asked"
    fi
    cmake --build "$folder" --target "$target" || return 1
    exec 8>&-
}
