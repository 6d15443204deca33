#!/usr/bin/env bash
# Installs Debian packages, as root, without letting the database packages start or enable services:
# ours run privately, and a machine that already has its own keeps them as they are.
set -euo pipefail

policy=/usr/sbin/policy-rc.d
cluster_setting=/etc/postgresql-common/createcluster.d/msp-analytics-install.conf
made_policy=

restore() {
    rm -f -- "$cluster_setting"
    [[ -z $made_policy ]] || rm -f -- "$policy"
}
trap restore EXIT

if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    made_policy=1
fi
mkdir -p "${cluster_setting%/*}"
printf 'create_main_cluster = false\n' >"$cluster_setting"

export DEBIAN_FRONTEND=noninteractive
wait_for_lock=(-o DPkg::Lock::Timeout=300)
apt-get "${wait_for_lock[@]}" -q update </dev/null
apt-get "${wait_for_lock[@]}" -q -y --no-install-recommends install "$@" </dev/null

# Packages enable their service for the next boot; undo that for those that came just now.
if [[ -d /run/systemd/system ]]; then
    for service in redis-server nginx; do
        for name in "$@"; do
            case $name in "$service" | "$service"-*) systemctl disable "$service" || true ;; esac
        done
    done
fi
