"""The boards' data, read from boards/<name>/board.py as it is frozen into the firmware."""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def board_folder(name: str) -> Path:
    """boards/<name>; a name with a slash is a folder elsewhere, from the project's root."""
    return ROOT / name if "/" in name else ROOT / "boards" / name


def board_names() -> list[str]:
    """Of the boards in boards/."""
    return sorted(path.parent.name for path in (ROOT / "boards").glob("*/board.py"))


def board_data(name: str = "pico") -> ModuleType:
    """The module of a board, the same one at each call; FileNotFoundError for a board that is not there."""
    return _load(name)


@cache
def _load(name: str) -> ModuleType:
    path = board_folder(name) / "board.py"
    spec = importlib.util.spec_from_file_location(f"board_{path.parent.name}", path)
    if spec is None or spec.loader is None or not path.exists():
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
