"""Runs the loader of a board under CPython, on a folder that holds the board's files."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

MARK, AWAITED = 0x40058010, 0x10AD


def boot(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    mark: int = 0,
    read: Callable[[Path], str] = Path.read_text,
) -> tuple[str | None, int]:
    """Runs the loader that lies on the board as /main.py: (what `read` finds in the main.mpy that it starts, or None;
    the mark afterwards)."""
    if not (root / "main.py").exists():
        return None, 0
    started: list[str] = []
    mem32 = {MARK: mark}

    class Main(ModuleType):
        """Notes from where it is imported."""

        def __getattribute__(self, name: str) -> Any:
            if name == "__spec__":
                started.append(sys.path[0])
            return super().__getattribute__(name)

    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "machine", SimpleNamespace(mem32=mem32))  # type: ignore[arg-type]
        patch.setitem(sys.modules, "gc", SimpleNamespace(threshold=lambda size: None))  # type: ignore[arg-type]
        patch.setattr(sys, "path", list(sys.path))
        patch.setitem(sys.modules, "main", Main("main"))
        text = (root / "main.py").read_text().replace('PLACE = "/firmware"', f'PLACE = "{root}/firmware"')
        (root / "run.py").write_text(text)
        runpy.run_path(str(root / "run.py"))
    return (read(Path(started[0]) / "main.mpy") if started else None), mem32[MARK]
