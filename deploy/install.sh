#!/bin/sh
# Installs the relay, the hub or a worker as systemd services. Safe to run again: it brings a host up to date.
#
#   sudo deploy/install.sh relay     on the host with the whitelisted address
#   sudo deploy/install.sh hub
#   sudo deploy/install.sh worker
#
# DESTDIR=/some/dir only lays the files there: no users, no packages, no services.
set -eu

role=${1:-}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
dest=${DESTDIR:-}
prefix=/opt/wattledger

say() { printf '%s\n' "$*"; }
fail() { say "install.sh: $*" >&2; exit 1; }

case $role in
relay) user=deploy home=/home/deploy units="smt-webhook.service smt-ingest.service smt-ingest.timer" ;;
hub) user=wattledger home=/var/lib/wattledger units="wattledger-hub.service" ;;
worker) user=wattledger home=/var/lib/wattledger units="wattledger-worker.service" ;;
*) fail "say which role: relay, hub or worker" ;;
esac
[ -n "$dest" ] || [ "$(id -u)" = 0 ] || fail "run it as root (sudo)"

make_user() {
    id "$user" >/dev/null 2>&1 || useradd --system --create-home --home-dir "$home" --shell /usr/sbin/nologin "$user"
}

install_program() {
    [ -x "$prefix/bin/python" ] || python3 -m venv "$prefix" || fail "python3 -m venv failed; install python3-venv"
    case $role in
    relay) extras= ;;
    *) extras="[fleet,mqtt]" ;;
    esac
    "$prefix/bin/python" -m pip install --quiet --upgrade "$here/..$extras"
    [ -e /usr/local/bin/wattledger ] || ln -s "$prefix/bin/wattledger" /usr/local/bin/wattledger
}

private_folder() {
    mkdir -p "$dest$1"
    chmod 0700 "$dest$1"
    [ -n "$dest" ] || chown "$user:$user" "$1"
}

write_token_test() {
    printf '%s\n' '#!/bin/sh' "exec $prefix/bin/wattledger smt token \"\$@\"" >"$dest$home/smt_token_test.sh"
    chmod 0755 "$dest$home/smt_token_test.sh"
}

if [ -z "$dest" ]; then
    make_user
    install_program
fi
if [ "$role" = relay ]; then
    private_folder "$home/smt_inbox"
    private_folder "$home/smt_ingest"
    write_token_test
fi
mkdir -p "$dest/etc/systemd/system"
for unit in $units; do
    cp "$here/$unit" "$dest/etc/systemd/system/$unit"
    chmod 0644 "$dest/etc/systemd/system/$unit"
done
if [ -z "$dest" ]; then
    systemctl daemon-reload
    for unit in $units; do
        case $unit in
        smt-ingest.service) ;; # the timer starts it
        *) systemctl enable "$unit" && systemctl restart "$unit" ;;
        esac
    done
    systemctl --no-pager --lines=0 status $units || true
fi
say "Installed: $units"
[ "$role" != relay ] || say "Next: put the settings in $home/smt_ingest/.env, then: wattledger relay pin"
