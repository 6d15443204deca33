# The Debian packages this project needs, in one place, and how the missing ones are installed.
# Sourced after common.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034 # the lists are used by whoever sources this

PACKAGES_RUN=(
    build-essential cmake ninja-build pkg-config
    libcivetweb-dev libpq-dev libhiredis-dev libmsgpack-dev libjansson-dev libjwt-dev
    libcurl4-openssl-dev libbsd-dev libsystemd-dev libssl-dev zlib1g-dev libxxhash-dev libsodium-dev
    libglib2.0-dev
    postgresql redis-server python3 tzdata curl ca-certificates procps
)
PACKAGES_TEST=(
    libcriterion-dev python3-pytest python3-pytest-xdist python3-psycopg2 python3-jsonschema python3-swift python3-yaml shellcheck
    docker-compose bubblewrap
    clang clang-format clang-tidy libclang-rt-dev
    nginx-light  # ops/scale/nginx.conf, in front of servers
)
PACKAGES_BENCH=(
    wrk postgresql-contrib
    # The peer in Python, as fast as Debian has it.
    python3-fastapi uvicorn python3-asyncpg python3-jwt python3-redis python3-hiredis python3-uvloop python3-httptools
)
PACKAGES_DEB=(debootstrap systemd libseccomp2 groff)
PACKAGES_N8N=(libsqlite3-dev)
PACKAGES_BROWSER=(chromium fonts-liberation)
# The dashboard is built by node. An npm from elsewhere does as well, and Debian's could not be installed beside it.
command -v npm >/dev/null || PACKAGES_RUN+=(npm)

missing_packages() {
    local name
    for name in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || printf '%s\n' "$name"
    done
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo -- "$@"
    fi
}

# install_packages NAME…: only what is missing; nothing is asked of the network otherwise.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null || fail "this needs Debian's apt-get to install: ${missing[*]}"
    ((EUID == 0)) || command -v sudo >/dev/null ||
        fail "run this as root, or install sudo, or install these yourself: ${missing[*]}"
    as_root bash "$MSP_ROOT/ops/lib/apt-install.sh" "${missing[@]}"
}
