"""The boards' data, read from boards/<name>/board.py as it is frozen into the firmware."""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def board_data(name: str = "pico") -> ModuleType:
    """The module of a board, the same one at each call; FileNotFoundError for a board that is not there."""
    return _load(name)


@cache
def _load(name: str) -> ModuleType:
    path = ROOT / "boards" / name / "board.py"
    spec = importlib.util.spec_from_file_location(f"board_{name}", path)
    if spec is None or spec.loader is None or not path.exists():
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
