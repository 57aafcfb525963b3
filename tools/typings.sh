#!/bin/sh
# Puts the types of MicroPython's modules into build/typings. They replace those of CPython, hence outside .venv.
set -eu
cd "$(dirname "$0")/.."
typings=build/typings
rm -rf "$typings"
.venv/bin/python -m pip --quiet --disable-pip-version-check install --constraint constraints.txt \
    --target "$typings" micropython-rp2-rpi_pico-stubs
# Written at build time.
printf "VERSION: str\nDIGEST: str\n" >"$typings/build_info.pyi"
# Inside @asm_pio the assembler's words are names from nowhere: declare them where mypy looks last.
# `set` stays the built-in one.
sed -n 's/^    def \([a-z_]*\)(.*/def \1(*args: Any) -> Any: .../p; s/^    \([a-z_]*\) = .*/\1: int/p' \
    "$typings/rp2/asm_pio.pyi" | grep -v 'def set(' | sort -u >>"$typings/stdlib/builtins.pyi"
