"""The one arrow: who may import whom. The table is the whole rule; the longest matching row counts.

It walks the syntax, not the running program, so an import inside a function counts as well.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

SHARED = {
    f"pump.core.{name}"
    for name in ("access", "alarms", "chain", "framing", "library", "record", "states", "syringes", "units", "wire")
}

# importer: what it may import of OURS and of the board's modules
MAY_IMPORT = {
    "pump.core": {"pump.core"},
    "pump.app": {"pump.core"},
    "pump.drivers": {"pump.core.units", "pump.drivers.chip_rp2", "machine", "rp2", "micropython"},
    "pump": set(),
    "pump.standard": set(),
    "pump.fitted": {"pump.drivers", "pump.core"},
    "titrate": {"titrate", *SHARED},
    "hil.plant": {"hil.plant"},
    "hil.devices": {"hil.devices", "hil.plant", "pump.core"},
    "hil": {"hil", "titrate", "pump.app", "pump.core"},
    "board": {"pump.standard"},
    "main": {"pump", "board", "build_info", "machine", "rp2", "micropython"},
    "loader": {"main", "machine"},
}

# What firmware may have of MicroPython's other modules. On the host the choice is free.
BUILT_IN = {
    "pump.core": {"array", "binascii", "hashlib", "json", "struct"},
    "pump.app": set(),
    "pump.drivers": {"array", "os", "select", "sys", "time"},
    "pump": set(),
    "pump.standard": set(),
    "pump.fitted": set(),
    "board": set(),
    "main": {"gc", "sys", "time"},
    "loader": {"binascii", "gc", "hashlib", "sys"},
}

OURS = {"pump", "titrate", "hil", "main", "board", "build_info", "machine", "rp2", "micropython"}

# Free for all behind `if TYPE_CHECKING`.
FOR_TYPES = ("typing", "collections.abc")

# Code of the project that no row is for: it is not part of what runs.
SOURCES = (
    "firmware/main.py",
    "firmware/loader.py",
    "firmware/pump/**/*.py",
    "boards/*/board.py",
    "host/titrate/**/*.py",
    "hil/**/*.py",
)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def imports(tree: ast.AST, package: str, guarded: bool = False) -> Iterator[tuple[str, int, bool]]:
    """(dotted name, line, whether a `try` stands around it) of every import below `tree`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            # Nothing is loaded, so words for types are free; whom a type may name follows the arrow all the same.
            named = imports(ast.Module(node.body, []), package, guarded)
            yield from (found for found in named if not any(within(found[0], words) for words in FOR_TYPES))
            yield from imports(ast.Module(node.orelse, []), package, guarded)
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno, guarded) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((f"{origin}.{alias.name}", node.lineno, guarded) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function in ("__import__", "import_module"):
                yield str(node.args[0].value), node.lineno, guarded
        yield from imports(node, package, guarded or isinstance(node, ast.Try))


def wrong_arrows(source: str, module: str, file: str, package: str | None = None) -> list[str]:
    """One line, beginning with file:line, for each import in `source` that the table does not allow."""
    row = max((row for row in MAY_IMPORT if within(module, row)), key=len, default=None)
    if row is None:
        return [f"{file}:1: {module} has no row in MAY_IMPORT"]
    wrong = []
    for name, line, guarded in imports(ast.parse(source), package or module.rpartition(".")[0]):
        allowed = MAY_IMPORT[row] | BUILT_IN.get(row, set())
        if any(within(name, package) for package in allowed):
            continue
        if row == "pump.core" and name == "micropython.const" and guarded:
            continue  # a constant folder, absent on the host; it reaches no hardware
        if row in BUILT_IN or name.partition(".")[0] in OURS:
            wrong.append(f"{file}:{line}: {module} must not import {name}")
    return wrong


def module_of(path: Path) -> str:
    """The dotted name under which the file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = {"firmware": parts[1:], "host": parts[1:], "boards": ("board",)}.get(parts[0], parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files() -> list[Path]:
    return sorted(path for pattern in SOURCES for path in ROOT.glob(pattern))


def test_every_import_follows_the_arrow() -> None:
    wrong = []
    for path in files():
        module = module_of(path)
        package = module if path.name == "__init__.py" else None
        wrong += wrong_arrows(path.read_text(), module, path.relative_to(ROOT).as_posix(), package)
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_walk_sees_every_layer() -> None:
    modules = {module_of(path) for path in files()}
    assert {row for row in MAY_IMPORT if not any(within(module, row) for module in modules)} == set()


@pytest.mark.parametrize(
    ("module", "source", "line"),
    [
        ("pump.core.law", "import time", 1),
        ("pump.core.law", "\nfrom machine import Pin", 2),
        ("pump.core.law", "from pump.app import App", 1),
        ("pump.core.law", "from ..drivers import stepper_pio", 1),
        ("pump.core.law", "from micropython import const", 1),
        ("pump.core.law", "try:\n    from micropython import mem_info\nexcept ImportError: pass", 2),
        ("pump.core.law", "def late():\n    import asyncio", 2),
        ("pump.core.law", "from typing import Any", 1),
        ("pump.core.law", "if TYPE_CHECKING:\n    from pump.drivers.stepper_pio import Stepper", 2),
        ("pump.core.law", "if TYPE_CHECKING:\n    pass\nelse:\n    import machine", 4),
        ("titrate.client", "if TYPE_CHECKING:\n    from hil.bench import Bench", 2),
        ("pump.app", "from pump.drivers.stepper_pio import Stepper", 1),
        ("pump.app", "import time", 1),
        ("pump.drivers.stepper_pio", "from pump.core.law import Law", 1),
        ("pump.drivers.stepper_pio", "import main", 1),
        ("titrate.client", "import hil.bench", 1),
        ("titrate.client", "import importlib\nimportlib.import_module('hil.targets')", 2),
        ("titrate.client", "from pump.core import law", 1),
        ("titrate.client", "from pump.app import App", 1),
        ("titrate.client", "import pump", 1),
        ("hil.plant.line", "from pump.core import units", 1),
        ("hil.devices.stepper", "from titrate import Pump", 1),
        ("hil.bench", "from pump.drivers import clock_rp2", 1),
        ("hil.bench", "import main", 1),
        ("board", "import machine", 1),
        ("stray", "import json", 1),
    ],
)
def test_a_planted_wrong_import_is_caught(module: str, source: str, line: int) -> None:
    (found,) = wrong_arrows(source, module, "planted.py")
    assert found.startswith(f"planted.py:{line}: {module} ")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pump.core.law", "import struct\nfrom pump.core import units\nfrom . import wire"),
        ("pump.core.law", "try:\n    from micropython import const\nexcept ImportError:\n    const = int"),
        ("pump.core.law", "if TYPE_CHECKING:\n    from typing import Final\n    from pump.core.program import Program"),
        ("pump.drivers.stepper_pio", "import rp2\nfrom machine import Pin\nfrom pump.core.units import TICKS_PER_S"),
        (
            "titrate.client",
            "import json, serial\nfrom pump.core.wire import METHODS\nfrom titrate.errors import Refused",
        ),
        ("hil.bench", "import numpy\nfrom pump.app import App\nfrom titrate import Pump"),
        ("main", "import gc, board\nfrom pump.drivers.stepper_pio import Stepper"),
    ],
)
def test_a_right_import_passes(module: str, source: str) -> None:
    assert wrong_arrows(source, module, "planted.py") == []
