"""Names a firmware by its content, the same for the image and for the simulated pump.

It reads source files only; what is built from them is no concern of it.
"""

import hashlib
from pathlib import Path

from hil.boards import ROOT, board_folder
from pump.core.wire import VERSION


def firmware_digest(board: str = "pico") -> str:
    """SHA-256, in hex, over path and content of every file that the firmware for `board` is made of.

    The files are firmware/**/*.py and boards/<board>/board.py, sorted by path; a path is relative to the root, with
    slashes, and both path and content are preceded by their length, so that no two trees give the same bytes.
    """
    paths = [*ROOT.glob("firmware/**/*.py"), board_folder(board) / "board.py"]
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(ROOT).as_posix(), path) for path in paths):
        for part in (name.encode(), path.read_bytes()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def write_build_info(folder: Path, board: str = "pico") -> str:
    """Writes build_info.py (VERSION, DIGEST), which firmware/main.py imports, into `folder`; returns the digest."""
    digest = firmware_digest(board)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "build_info.py").write_text(f'VERSION = "{VERSION}"\nDIGEST = "{digest}"\n')
    return digest
