#!/usr/bin/env bash
# Makes HERE/venv with the project; nothing where $AUTOML_COMMAND names an installed `automl`.
set -e
HERE="$(cd "$(dirname "$0")" && pwd -P)"
if [[ -z "$AUTOML_COMMAND" ]]; then
  "${AUTOML_PYTHON:-python3.11}" -m venv "$HERE/venv"
  "$HERE/venv/bin/python" -m pip install -q "$HERE/../../../.."
fi
COMMAND="${AUTOML_COMMAND:-$HERE/venv/bin/automl}"
mkdir -p "$HERE/.setup"
"$COMMAND" --version >> "$HERE/.setup/installed"
