#!/bin/sh
# Draws what is not there yet into secrets/, a file a secret; a second run changes nothing.
# The folder is for its owner alone; the files are readable, as the user inside the containers is another one.
set -eu
cd "$(dirname "$0")"
mkdir -p -m 0700 secrets
umask 022

# keep FILE COMMAND...: what the command prints, without a line's end. A command that fails ends all of it.
keep() {
  file=secrets/$1
  shift
  if [ -s "$file" ]; then return; fi
  drawn=$("$@")
  printf %s "$drawn" > "$file"
}

# The bridge knows the canary by the hash of its token: to replace the token, remove both files.
callers() {
  hash=$(openssl dgst -sha256 -r < secrets/canary_token | cut -d ' ' -f 1)
  printf '[canary]\ntypes = ["canary.sent"]\ntoken_sha256 = ["%s"]\n' "$hash"
}

# Checkpoints of the audit, and snapshots: the container's user is another one, so anybody may add a file, and only its owner remove it.
mkdir -p checkpoints snapshots
chmod 1777 checkpoints snapshots

keep app_key openssl rand -hex 16
keep audit_key openssl genpkey -algorithm ed25519
keep callback_tokens openssl rand -hex 24
keep canary_token openssl rand -hex 24
keep grafana_password openssl rand -hex 12
keep link_keys openssl rand -hex 32
keep partner_secrets openssl rand -hex 16
keep pseudonym_keys openssl rand -hex 32
keep sealing_keys openssl rand -hex 32
keep callers.toml callers
openssl pkey -in secrets/audit_key -pubout -out checkpoints/audit.key.pub
