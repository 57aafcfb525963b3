"""Builds build/firmware-<board>.uf2: MicroPython from build/micropython with the firmware frozen in.

Does nothing when the image of this very firmware is there already. With --stock it builds MicroPython alone.
"""

import argparse
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

from serial import SerialException

from hil.bench import open_bench
from hil.boards import board_folder
from hil.firmware_digest import ROOT, write_build_info
from pump.core.wire import VERSION
from titrate.errors import PumpError

MICROPYTHON = ROOT / "build/micropython"
FLASH_START = 0x10000000
FAMILIES = {"rp2040": 0xE48BFF56, "rp2350": 0xE48BFF59}  # of UF2 files, by the mcu of board.json; RP2350: Arm, secure
PAGE_BYTES, SECTOR_BYTES = 256, 4096
# As drivers/selftest_rp2.py reads it: the last page before the filesystem.
TRAILER_AT, TRAILER_MAGIC = 0x9FF00, 0x54495452


def with_trailer(image: bytes) -> list[tuple[int, bytes]]:
    """The image, and its size and CRC-32 where the self-test looks for them (SR-DIAG-02): (offset in flash, data)."""
    image += bytes(-len(image) % PAGE_BYTES)
    sector = TRAILER_AT // SECTOR_BYTES * SECTOR_BYTES
    if len(image) > sector:
        sys.exit(f"the image is {len(image)} bytes long and reaches into its trailer at {sector}")
    trailer = struct.pack("<3I", TRAILER_MAGIC, len(image), zlib.crc32(image))
    return [(0, image), (sector, bytes(TRAILER_AT - sector) + trailer)]


def uf2(parts: list[tuple[int, bytes]], family: int) -> bytes:
    """The UF2 file of a chip's flash; parts: (offset in flash, data), each beginning with a sector.

    The bootrom erases by sectors and wants every page of those that it touches (erratum RP2040-E14), so each part is
    filled up to the end of its last one.
    """
    pages = []
    for offset, data in parts:
        data += bytes(-len(data) % SECTOR_BYTES)
        pages += [(offset + at, data[at : at + PAGE_BYTES]) for at in range(0, len(data), PAGE_BYTES)]
    blocks = []
    for index, (offset, page) in enumerate(pages):
        head = (0x0A324655, 0x9E5D5157, 0x2000, FLASH_START + offset, PAGE_BYTES, index, len(pages), family)
        blocks.append(struct.pack("<8I", *head) + page + bytes(220) + struct.pack("<I", 0x0AB16F30))
    return b"".join(blocks)


def run(*command: str | Path) -> None:
    """Runs a quiet command; what it said is shown when it fails."""
    # Variables of our Makefile mean something else to MicroPython's.
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean)
    if done.returncode:
        sys.exit(f"{done.stdout}\n{command[0]} failed")


def configuration(board: str) -> str:
    """Names everything but the firmware that the image depends on; the place, too: a build keeps to where it began."""
    digest = hashlib.sha256(str(ROOT).encode())
    shared = [Path(__file__), ROOT / "tools/micropython.sha256", ROOT / "boards/common.cmake"]
    for path in [*shared, *sorted(board_folder(board).iterdir())]:
        if path.is_file() and path.suffix != ".md":
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def build(board: str, folder: Path, manifest: Path) -> bytes:
    """Compiles what has changed in `folder` and returns the flash image."""
    # Only a new folder: configuring again would compile everything that includes MicroPython's list of strings.
    if not (folder / "Makefile").exists():
        run(
            *("cmake", "-S", MICROPYTHON / "micropython/ports/rp2", "-B", folder),
            *(f"-DMICROPY_BOARD={board}", f"-DMICROPY_BOARD_DIR={board_folder(board)}"),
            f"-DMICROPY_FROZEN_MANIFEST={manifest}",
            f"-DMICROPY_MANIFEST_BUILD_INFO_DIR={folder}",
            f"-DPICO_SDK_PATH_OVERRIDE={MICROPYTHON / 'usr/src/pico-sdk'}",
            f"-DMICROPY_LIB_DIR={MICROPYTHON / 'no-lib'}",
            "-DPICO_NO_PICOTOOL=1",  # Debian 12 has none, and uf2() above is all that we need of it
        )
    run("make", "--silent", f"-j{os.cpu_count()}", "-C", folder)
    return (folder / "firmware.bin").read_bytes()


def boot_figures(mcu: str) -> str:
    """What the firmware measures of its own start, on the emulated board, in device time; or why it cannot be had."""
    if mcu != "rp2040":
        return f"boot      not measured: the emulator is of an RP2040, and this is an {mcu.upper()}"
    try:
        with open_bench("emu://") as bench:
            figures = bench.pump.hello["boot"]
            power_on_ms = round(bench.now_s * 1000)
    except (SerialException, PumpError) as error:
        return f"boot      not measured: {error}"
    ram = f"free RAM  {figures['free_bytes']} bytes after boot, emulated"
    return f"{ram}\nhello     {figures['ms']} ms after a reset, {power_on_ms} ms after power-on, emulated"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--board", default="pico", help="a folder of boards/")
    arguments.add_argument("--stock", action="store_true", help="MicroPython alone, without the firmware")
    options = arguments.parse_args()

    name = f"stock-{options.board}" if options.stock else f"firmware-{options.board}"
    folder, image, stamp = ROOT / "build" / name, ROOT / f"build/{name}.uf2", ROOT / f"build/{name}.inputs"
    figures = ROOT / f"build/{name}.boot"
    mcu = json.loads((board_folder(options.board) / "board.json").read_text())["mcu"]
    manifest = board_folder(options.board) / "manifest_stock.py" if options.stock else ROOT / "firmware/manifest.py"

    before = stamp.read_text().split() if image.exists() and stamp.exists() else ["", ""]
    around = configuration(options.board)
    if before[0] != around:
        shutil.rmtree(folder, ignore_errors=True)
    firmware = write_build_info(folder, options.board)
    inside = "stock" if options.stock else firmware
    if before != [around, inside]:
        built = build(options.board, folder, manifest)
        image.write_bytes(uf2([(0, built)] if options.stock else with_trailer(built), FAMILIES[mcu]))
        figures.unlink(missing_ok=True)
        stamp.write_text(f"{around} {inside}\n")

    print(f"image     {image.relative_to(ROOT)}, {image.stat().st_size} bytes")
    print(f"SHA-256   {hashlib.sha256(image.read_bytes()).hexdigest()}")
    print("firmware  none: stock MicroPython" if options.stock else f"firmware  {VERSION}, digest {firmware}")
    if not options.stock:
        if not figures.exists():
            figures.write_text(boot_figures(mcu))
        print(figures.read_text())


if __name__ == "__main__":
    main()
