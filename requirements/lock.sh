#!/usr/bin/env bash
# Writes the hashed requirements: dev first, the others held to its versions. Usage: lock.sh UV
set -euo pipefail
uv=$1
cd "$(dirname "$0")/.."
compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
        --no-emit-find-links "$@"
}
compile pyproject.toml --all-extras -o requirements/dev.txt
compile pyproject.toml --extra sandbox -c requirements/dev.txt -o requirements/sandbox.txt
compile pyproject.toml -c requirements/dev.txt -o requirements/base.txt
echo "uv==$("$uv" --version | cut -d' ' -f2)" | compile - -o requirements/uv.txt
sed -i.bak -e '/# *-c requirements/d' -e 's/via -r -/via `make lock`/' requirements/*.txt
rm requirements/*.bak
