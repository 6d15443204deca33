# A private PostgreSQL and a private Redis on Unix sockets only. Sourced after common.sh.
# As root they run as their own system users, since PostgreSQL refuses root.
#
# Needs from its user: PG_DATA (where the cluster lives), SOCKETS (a short folder), LOG_DIR.
# shellcheck shell=bash

PG_BIN=${MSP_POSTGRES_BIN:-}

find_postgres() {
    local folder
    [[ -z $PG_BIN ]] || return 0
    for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
        if [[ -x $folder/initdb ]]; then
            PG_BIN=$folder
            return 0
        fi
    done
    fail "no PostgreSQL server below /usr/lib/postgresql; install the package postgresql"
}

# run_as USER command…: as that user when we are root, else as ourselves.
run_as() {
    local user=$1
    shift
    # From /, since the user may not enter the folder we stand in.
    if ((EUID == 0)); then
        (cd / && exec runuser -u "$user" -- "$@")
    else
        (cd / && exec "$@")
    fi
}

# make_private USER FOLDER: a folder that only that user (and root) may enter.
make_private() {
    mkdir -p "$2"
    chmod 700 "$2"
    ((EUID != 0)) || chown "$1": "$2"
}

# choose_postgres_folder STATE: prints where the data goes: in the state folder if the system user can
# reach it there, else in a folder of /var/lib named after the state folder.
choose_postgres_folder() {
    local inside=$1/postgres
    make_private postgres "$inside"
    if run_as postgres test -w "$inside" 2>/dev/null; then
        printf '%s' "$inside"
        return 0
    fi
    rmdir "$inside"
    local hash
    hash=$(printf '%s' "$1" | sha256sum)
    printf '/var/lib/msp-analytics-quickstart/%s' "${hash:0:16}"
}

# make_sockets: prints a new folder. PostgreSQL puts ".s.PGSQL.5432" into it, and a socket's path ends
# at 107 bytes, hence not in the state folder.
make_sockets() {
    local folder
    folder=$(mktemp -d /tmp/msp.XXXXXX)
    chmod 711 "$folder"
    printf '%s' "$folder"
}

# init_postgres PASSWORD: makes the cluster, if there is none, with a superuser "postgres".
init_postgres() {
    local password_file
    if [[ -e $PG_DATA/PG_VERSION && -e $PG_DATA/msp_initialised ]]; then
        return 0
    fi
    mkdir -p "$(dirname "$PG_DATA")"
    # What a broken-off start left.
    rm -rf -- "$PG_DATA"
    make_private postgres "$PG_DATA"
    make_private postgres "$SOCKETS/pg"
    password_file=$SOCKETS/pg/first-password
    (umask 077 && printf '%s\n' "$1" >"$password_file")
    ((EUID != 0)) || chown postgres: "$password_file"
    run_as postgres "$PG_BIN/initdb" -D "$PG_DATA" -U postgres -E UTF8 --locale=C.UTF-8 \
        --auth=scram-sha-256 --pwfile="$password_file" --no-sync
    rm -f -- "$password_file"
    run_as postgres touch "$PG_DATA/msp_initialised"
}

postgres_runs() { run_as postgres "$PG_BIN/pg_ctl" status -D "$PG_DATA" >/dev/null 2>&1; }

start_postgres() {
    make_private postgres "$SOCKETS/pg"
    if postgres_runs; then
        # A cluster that listens in a folder that is gone serves nobody.
        [[ -S $SOCKETS/pg/.s.PGSQL.5432 ]] && return 0
        stop_postgres
    fi
    run_as postgres "$PG_BIN/pg_ctl" start -w -t 60 -D "$PG_DATA" -l "$PG_DATA/server.log" \
        -o "-c listen_addresses='' -c unix_socket_directories='$SOCKETS/pg' -c unix_socket_permissions=0700 -c max_connections=100 -c shared_buffers=128MB -c log_min_messages=warning"
}

stop_postgres() {
    [[ -e $PG_DATA/PG_VERSION ]] || return 0
    postgres_runs || return 0
    run_as postgres "$PG_BIN/pg_ctl" stop -w -t 60 -m fast -D "$PG_DATA"
}

redis_answers() { [[ $(run_as redis redis-cli -s "$SOCKETS/redis/redis.sock" ping 2>/dev/null) == PONG ]]; }
redis_is_gone() { ! redis_answers; }

# Nothing is kept on disk: what Redis holds here can be had again from PostgreSQL.
start_redis() {
    make_private redis "$SOCKETS/redis"
    redis_answers && return 0
    run_as redis redis-server --port 0 --unixsocket "$SOCKETS/redis/redis.sock" --unixsocketperm 700 \
        --save '' --appendonly no --dir "$SOCKETS/redis" --daemonize yes \
        --logfile "$SOCKETS/redis/redis.log" --pidfile "$SOCKETS/redis/redis.pid"
    wait_for 20 redis_answers
}

stop_redis() {
    redis_answers || return 0
    run_as redis redis-cli -s "$SOCKETS/redis/redis.sock" shutdown nosave >/dev/null 2>&1 || true
    wait_for 20 redis_is_gone
}

# bootstrap_database ADMIN_URL: roles and logins. The passwords go through the standard input, since
# a command line can be read by everybody on the machine.
bootstrap_database() {
    psql -X -q -v ON_ERROR_STOP=1 "$1" <<SQL
\set database msp
\set owner_password '$OWNER_PASSWORD'
\set server_password '$SERVER_PASSWORD'
\set worker_password '$WORKER_PASSWORD'
\i '$MSP_ROOT/db/bootstrap.sql'
SQL
}
