#!/bin/sh
# Fills ./secrets for compose.yaml. What is there already is kept, so it may run again.
#
#   sh deploy/make-secrets.sh [FOLDER]
#
# As root the files are given to the containers' user (10001); what others give you, or comes later, starts empty.
set -eu
umask 077
folder=${1:-secrets}
owner=10001
mkdir -p "$folder"

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
key() { printf '%s:%s' "$(random 4)" "$(head -c 32 /dev/urandom | base64 | tr -d '\n')"; }
keep() { [ -e "$folder/$1" ] || printf '%s' "$2" >"$folder/$1"; }

keep db_password "$(random 24)"
keep admin_token "$(random 24)"
keep webhook_secret "$(random 24)"
keep wattledger_keys "$(key)"
for file in admin_token_next webhook_secret_next smt_password smt_sftp_key smt_pgp_key smtp_password \
    smartthings_client_secret smartcar_api_client_secret smartcar_management_token; do
    keep "$file" ""
done
[ "$(id -u)" != 0 ] || chown -R "$owner:$owner" "$folder"
echo "$folder: keep a copy of wattledger_keys elsewhere; without it vendors' secrets cannot be opened."
