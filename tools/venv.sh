#!/usr/bin/env bash
# Makes the project's own Python environment with the real clients that demo and tests use, in .cache/venv.
# Pinned: a client that changes under us would make a failing test say nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.cache/venv
wanted=$(sha256sum tools/requirements.txt | cut -d' ' -f1)
if [ "$(cat "$venv/installed" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r tools/requirements.txt
echo "$wanted" > "$venv/installed"
