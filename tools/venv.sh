#!/bin/sh
# Makes .venv with everything Python that the project needs, at the versions of constraints.txt.
# The base Python is 3.11 or later and able to make an environment; as root on Debian a missing part is installed.
set -eu
cd "$(dirname "$0")/.."

usable() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for python in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if usable "$python"; then echo "$python"; return; fi
    done
    return 1
}

if ! usable .venv/bin/python; then
    if ! python=$(find_python); then
        # Debian keeps ensurepip in a package of its own.
        tools/debian_packages.sh python3 python3-venv
        python=$(find_python) || { echo "Found no Python 3.11 or later that can make an environment." >&2; exit 2; }
    fi
    rm -rf .venv
    "$python" -m venv .venv
fi

echo "Setting up .venv with $(.venv/bin/python -V)"
# Build tools first and no build isolation: an isolated build would fetch its own, unpinned.
pip() { .venv/bin/python -m pip --quiet --disable-pip-version-check "$@"; }
pip install --constraint constraints.txt setuptools wheel
pip install --constraint constraints.txt --no-build-isolation --editable '.[dev]'
