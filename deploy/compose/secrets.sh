#!/bin/sh
# Draws what is not there yet into secrets/, a file a secret; a second run changes nothing.
# The folder is for its owner alone; the files are readable, as the user inside the containers is another one.
set -eu
cd "$(dirname "$0")"
mkdir -p -m 0700 secrets
umask 022

keep() {
  if [ ! -s "secrets/$1" ]; then printf %s "$2" > "secrets/$1"; fi
}

keep app_key "$(openssl rand -hex 16)"
keep callback_tokens "$(openssl rand -hex 24)"
keep canary_token "$(openssl rand -hex 24)"
keep grafana_password "$(openssl rand -hex 12)"
keep link_keys "$(openssl rand -hex 32)"
keep partner_secrets "$(openssl rand -hex 16)"
keep sealing_keys "$(openssl rand -hex 32)"
hash=$(openssl dgst -sha256 -r < secrets/canary_token | cut -d ' ' -f 1)
keep callers.toml "[canary]
types = [\"canary.sent\"]
token_sha256 = [\"$hash\"]
"
