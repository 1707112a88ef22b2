#!/bin/sh
# Build one environment: environment.sh core|tests|stream|superset. `environment.sh uv` prints uv's path.
# An environment whose requirement files have not changed costs one checksum.
set -eu
cd "$(dirname "$0")/.."
tools="$PWD/.tools"

say() { echo "$*" >&2; }

find_uv() {
    if command -v uv >/dev/null 2>&1; then command -v uv
    elif [ -x "$tools/bin/uv" ]; then echo "$tools/bin/uv"
    else install_uv; fi
}

# The wheel carries one binary; pip checks its hash and honours the machine's mirror and proxy.
install_uv() {
    say "Installing uv into .tools ..."
    mkdir -p "$tools"
    for pip in "python3 -m pip" "$tools/seed/bin/python -m pip"; do
        command -v python3 >/dev/null 2>&1 || break
        [ "$pip" = "python3 -m pip" ] || python3 -m venv "$tools/seed" >/dev/null 2>&1 || continue
        if $pip install --quiet --disable-pip-version-check --require-hashes --no-deps --upgrade \
            --target "$tools" -r stack/uv.txt >"$tools/log" 2>&1; then
            rm -rf "$tools/seed" "$tools/log"
            echo "$tools/bin/uv"
            return
        fi
    done
    [ ! -s "$tools/log" ] || tail -n 3 "$tools/log" >&2
    rm -rf "$tools"
    say "Expected uv, or a python3 with pip that reaches a package index, found neither;" \
        "install uv (https://docs.astral.sh/uv/) and run the command again."
    exit 1
}

# Prefer a Python that is there; else uv brings 3.12 into .tools, where uninstalling finds it.
make_venv() {
    "$uv" venv --quiet --clear --no-python-downloads --python '>=3.11,<3.13' "$1" 2>/dev/null && return
    say "No Python 3.11 or 3.12 here: uv brings 3.12 into .tools ..."
    UV_PYTHON_INSTALL_DIR="$tools/python" "$uv" venv --quiet --clear --managed-python --python 3.12 "$1" && return
    say "Expected Python 3.11 or 3.12, found none, and uv could not fetch one; install python3.12 and run the command again."
    exit 1
}

# uv revalidates its cache on the network; what is already cached also installs without one.
with_network_or_cache() { "$@" || { say "Trying again from the cache ..."; "$@" --offline; }; }

# build ENVIRONMENT REQUIREMENTS: exactly these packages, and the checkout itself where a third argument says so.
build() {
    sum=$({ cat "$2"; sed '/^\[tool\.ruff/,$d' pyproject.toml; } | cksum)
    if [ -x "$1/bin/python" ] && [ "$(cat "$1/.built" 2>/dev/null)" = "$sum" ]; then return; fi
    uv=$(find_uv)
    say "Building $1 from $2 ..."
    "$1/bin/python" -c '' 2>/dev/null || make_venv "$1"
    rm -f "$1/.built" "$1/.built-tests"
    with_network_or_cache "$uv" pip sync --quiet --compile-bytecode --require-hashes --python "$1/bin/python" "$2"
    if [ "${3:-}" = "editable" ]; then
        with_network_or_cache "$uv" pip install --quiet --no-deps --no-build-isolation --python "$1/bin/python" -e .
    fi
    echo "$sum" >"$1/.built"
}

add_test_tools() {
    sum=$(cksum <tests/requirements.txt)
    [ "$(cat .venv/.built-tests 2>/dev/null)" != "$sum" ] || return 0
    uv=$(find_uv)
    say "Adding the test tools to .venv ..."
    with_network_or_cache "$uv" pip install --quiet --require-hashes --python .venv/bin/python -r tests/requirements.txt
    echo "$sum" >.venv/.built-tests
}

case "${1:-}" in
    uv) find_uv ;;
    core) build .venv requirements.txt editable ;;
    tests) build .venv requirements.txt editable; add_test_tools ;;
    stream) build .venv-stream stream_agents/requirements.txt editable ;;
    superset) build .venv-superset superset/requirements.txt ;;
    *) say "expected core, tests, stream, superset or uv, found '${1:-}'"; exit 2 ;;
esac
