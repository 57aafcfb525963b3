"""`make compiled`: firmware and plant of the simulated pump as machine code, in build/compiled.

mypyc compiles the sources as they stand. What it makes lies beside links to them, and is used by those who put that
folder in front of PYTHONPATH: tests never do, for they are to fail by the sources, and plant faults in them. Before it
counts as made, one session is played in both forms, and every value of their records must be the same.

Without a C compiler or Python's headers the folder holds nothing but the links, and what is run there is no faster.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
FOLDER = ROOT / "build/compiled"
PACKAGES = {"pump": ROOT / "firmware/pump", "hil": ROOT / "hil"}
# What runs at every tick of a simulated pump. The rest of these packages is seldom at work, or is subclassed.
COMPILED = ("pump/core/*.py", "pump/app.py", "hil/plant/*.py", "hil/devices/*.py", "hil/mechanics.py",
            "hil/targets/simulated.py")  # fmt: skip
SESSION = ("schwartzman-2009", "--session", "1")
# Stands in for the empty pump/__init__.py, which is imported before any other module of either package.
GUARD = '''"""The firmware as `make compiled` made it. It must not stand for sources that have changed since."""

from pathlib import Path

_here = Path(__file__)
_made = _here.stat().st_mtime
for _source in _here.parents[1].glob("*/**/*.py"):
    if _source.stat().st_mtime > _made:
        raise ImportError(f"build/compiled is older than {_source.resolve()}: run `make compiled`, or unset PYTHONPATH")
'''


def link_sources() -> None:
    """Begins the folder anew: a link for each source, which the compiled module beside it takes the place of."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for package, source in PACKAGES.items():
        for path in source.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                link = FOLDER / package / path.relative_to(source)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)


def run_mypyc(*command: str) -> None:
    """Translates every link that COMPILED names to C, and then does what setuptools is told. RuntimeError: what was
    said against it."""
    names = sorted(path.relative_to(FOLDER).as_posix() for pattern in COMPILED for path in FOLDER.glob(pattern))
    options = ["--config-file=", "--explicit-package-bases", *names]
    setup = (
        "from mypyc.build import mypycify; from setuptools import setup; setup(name='compiled', packages=[], "
        f"ext_modules=mypycify({options}, opt_level='1', multi_file=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", setup, "--quiet", *command],
        cwd=FOLDER, env=os.environ | {"MYPYPATH": f"{ROOT / 'host'}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"mypyc: {(done.stdout + done.stderr).strip()}")


def compile_sources() -> None:
    """Puts a compiled module beside every link."""
    run_mypyc("build_ext", "--inplace")
    shutil.rmtree(FOLDER / "build")


def guard_sources() -> None:
    guard = FOLDER / "pump/__init__.py"
    guard.unlink()
    guard.write_text(GUARD)


def environment() -> dict[str, str]:
    """That of a user: sources from where they were installed, and bytecode kept from one start to the next."""
    return {name: text for name, text in os.environ.items() if name not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}


def played(*arguments: str, path: Path | None = None) -> dict[str, Any]:
    """The record of `titrate play` at 70 kg on the simulated pump, with `path` in front of PYTHONPATH or with none."""
    done = subprocess.run(
        [BIN / "titrate", "play", *arguments, "--weight", "70kg", "--port", "sim://", "--yes", "--json"],
        env=environment() | ({"PYTHONPATH": str(path)} if path else {}), capture_output=True, text=True, check=True,
    )  # fmt: skip
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def main() -> int:
    link_sources()
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    if not (shutil.which("cc") and headers.exists()):
        print(f"Simulated pump: as Python. Compiling it needs cc and {headers}.")
        return 0
    print("Simulated pump: compiling, about two minutes", flush=True)
    compile_sources()
    guard_sources()
    by_sources, by_compiled = played(*SESSION), played(*SESSION, path=FOLDER)
    del by_sources["wall_seconds"], by_compiled["wall_seconds"]
    if by_compiled != by_sources:
        print("The session of the compiled pump is not that of its sources.", file=sys.stderr)
        shutil.rmtree(FOLDER)
        return 1
    print(f"Compiled. The same session to the last value. To use it: export PYTHONPATH={FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
