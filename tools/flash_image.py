"""`make flash-image`: writes the image with the firmware frozen in onto a board in boot mode.

With picotool where that is installed; otherwise, or with --drive, as a file onto the drive that the board shows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from hil.boards import ROOT, board_folder
from titrate.errors import LinkError, ProtocolError, PumpError, Refused

INFO = "INFO_UF2.TXT"  # on every drive of a board in boot mode
BOARD_IDS = {"rp2040": "Board-ID: RPI-RP2", "rp2350": "Board-ID: RP2350"}  # in that file, by the mcu of board.json
PIECE_BYTES = 1 << 16
MOUNTS = ("/media/*/*", "/media/*", "/run/media/*/*", "/mnt/*", "/Volumes/*")
BOOT_MODE = "hold BOOTSEL while you plug the board in"


def drives(patterns: Iterable[str] = MOUNTS) -> list[Path]:
    """Where drives of boards in boot mode are mounted."""
    found = {path.parent for pattern in patterns for path in Path("/").glob(f"{pattern.lstrip('/')}/{INFO}")}
    return sorted(found)


def the_drive(found: list[Path]) -> Path:
    """The only one. LinkError without one, ProtocolError with several."""
    if not found:
        raise LinkError(
            f"no board in boot mode is mounted: {BOOT_MODE}, mount its drive (RPI-RP2, RP2350), or say DRIVE=…"
        )
    if len(found) > 1:
        raise ProtocolError("DRIVE", None, f"one of {', '.join(map(str, found))}: there are several boards")
    return found[0]


def write_to_drive(image: bytes, drive: Path, mcu: str = "rp2040") -> None:
    """Copies the image; the board restarts with its last block. Raises PumpError's tree."""
    try:
        info = (drive / INFO).read_text(errors="replace")
    except OSError as error:
        raise LinkError(f"{drive}: no drive of a board in boot mode, for it has no {INFO}: {BOOT_MODE}") from error
    board_id = BOARD_IDS[mcu]
    if board_id not in info.splitlines():
        model = next((line for line in info.splitlines() if line.startswith("Board-ID")), "no Board-ID")
        raise Refused("flash-image", "boot mode", f"the drive {drive} is another board's ({model}, not {board_id})")
    written = 0
    try:
        with open(drive / "firmware.uf2", "wb", buffering=0) as file:
            for at in range(0, len(image), PIECE_BYTES):
                written += file.write(image[at : at + PIECE_BYTES])
            os.fsync(file.fileno())
    except PermissionError as error:
        raise LinkError(f"{drive}: no permission to write: mount it for your user, then repeat") from error
    except OSError as error:
        # Having all of it the board restarts, and its drive may be gone before the last word about it.
        if written < len(image) or (drive / INFO).exists():
            raise LinkError(
                f"{drive}: the board went away after {written} of {len(image)} bytes ({error.strerror}): {BOOT_MODE} "
                "and repeat"
            ) from error


def write_with_picotool(picotool: str, image: Path) -> None:
    """Loads, verifies and restarts. LinkError with picotool's last line."""
    done = subprocess.run([picotool, "load", "-v", "-x", str(image)], capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines() or ["nothing"]
        raise LinkError(f"picotool could not write the image: {said[-1].strip()}; {BOOT_MODE} and repeat")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--board", default="pico", help="a folder of boards/")
    arguments.add_argument("--drive", type=Path, help="where the board's drive is mounted")
    options = arguments.parse_args()
    image = ROOT / f"build/firmware-{options.board}.uf2"
    try:
        if not image.exists():
            raise ProtocolError("BOARD", options.board, "a board with an image: build it with `make image`")
        picotool = None if options.drive else shutil.which("picotool")
        if picotool:
            write_with_picotool(picotool, image)
            print(f"written   {image.relative_to(ROOT)} with picotool, verified")
        else:
            drive = options.drive or the_drive(drives())
            mcu = json.loads((board_folder(options.board) / "board.json").read_text())["mcu"]
            write_to_drive(image.read_bytes(), drive, mcu)
            print(f"written   {image.relative_to(ROOT)} to {drive}; the board restarts by itself")
        print("next      `titrate ports`, then `titrate status --port …`")
    except PumpError as error:
        print(f"flash-image: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
