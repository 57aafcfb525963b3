"""`make flash` onto stock MicroPython on the emulated chip, over a pseudo-terminal, whole and cut short (D12).

It is cut at FLASH_CUTS points, 20 unless told. After every fifth of them the chip itself starts; after the others its
loader runs here, on the files that are in its flash.
"""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from littlefs import LittleFS

from hil.firmware_digest import firmware_digest
from hil.mechanics import Mechanics
from hil.targets.emulated import Emulated
from pump.core import framing
from pump.core.commands import PHASE_BYTES, RESERVE_BYTES
from pump.core.syringes import step_volume_pl
from tests.emulated.littlefs_layout import LAYOUT
from tests.emulated.pty_board import PtyBoard, stock_board
from tests.loader import boot
from tests.programs import PL_MS_PER_H, PL_PER_ML, SYRINGE, flat, header
from titrate import Pump
from titrate.errors import LinkError, Refused
from tools import flash
from tools.flash_files import Firmware, compile_firmware, loader, sha256
from tools.flash_prompt import Prompt

pytestmark = [pytest.mark.emulated, pytest.mark.slow, pytest.mark.xdist_group("flashing")]

CUTS = int(os.environ.get("FLASH_CUTS", "20"))
LEAST_PHASES = 16  # that a program may have on a board with the firmware as files
BOOT_MS = 20_000
PATIENCE_S = 60  # the emulated CPU may run at a fiftieth of real time where others work too
STRAY = {"/pump/__init__.py": b"raise SystemExit", "/lib/board.py": b"raise SystemExit"}  # they would hide ours
TRAILER_AT, TRAILER = 0x9FF00, struct.pack("<3I", 0x54495452, 4096, 1)  # of an image that was there before


def image_of(files: dict[str, bytes]) -> bytes:
    """The flash of a board that holds these files."""
    board = LittleFS(**LAYOUT)
    for path, data in files.items():
        board.makedirs(os.path.dirname(path), exist_ok=True)
        with board.open(path, "wb") as file:
            file.write(data)
    return bytes(board.context.buffer)


def unpack(image: bytes, root: Path) -> Path:
    """The files of a board, as littlefs finds them; mounting fails loudly."""
    board = LittleFS(**LAYOUT, mount=False)
    board.context.buffer = bytearray(image)
    board.mount()
    for folder, _, names in board.walk("/"):
        for name in names:
            path = root / folder.lstrip("/") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with board.open(f"{folder.rstrip('/')}/{name}", "rb") as file:
                path.write_bytes(file.read())
    return root


def starts(image: bytes, root: Path, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """The digest of the main.mpy that the board's loader, run here, would start; None for none."""
    main, _ = boot(unpack(image, root), monkeypatch, read=lambda path: sha256(path.read_bytes()))
    return main


def put(board: PtyBoard, firmware: Firmware) -> list[str]:
    prompt = Prompt(board.path)
    try:
        return flash.put(prompt, firmware, "pico")[1]
    finally:
        prompt.close()


def run_until_up(board: Emulated) -> tuple[bytes, int, int]:
    """Starts the chip with power: (what it says until it is a pump or waits at the prompt, steps, enables)."""
    said = b""
    for _ in range(BOOT_MS // 20):
        board.run_for(20_000)
        said += board.read(board.available())
        if b'"status"' in said or b">>> " in said:
            break
    return said, board.mechanics.steps, len(board.mechanics.enabled_us)


@pytest.fixture(scope="module")
def new() -> Firmware:
    compiled = compile_firmware("pico")
    return Firmware(compiled.files | {"pump/core/fresh.mpy": b"fresh" * 500}, compiled.digest)


@pytest.fixture(scope="module")
def old(new: Firmware) -> Firmware:
    """A version before: five files differ, one that is gone now was there, one that is there now was not."""
    files = {name: data for name, data in new.files.items() if name != "pump/core/fresh.mpy"}
    for name in ("main.mpy", "board.mpy", "pump/app.mpy", "pump/core/law.mpy", "pump/drivers/link_usb.mpy"):
        files[name] = data_before(files[name])
    files["pump/core/gone.mpy"] = b"gone" * 500
    return Firmware(files, "old")


def data_before(data: bytes) -> bytes:
    return data + b"\0"  # behind the end of the bytecode, where nothing reads it


def installed(firmware: Firmware) -> bytes:
    files = {f"/firmware/a/{name}": data for name, data in firmware.files.items()}
    files["/firmware/a/manifest"] = firmware.manifest
    files["/firmware/current"] = f"a {sha256(firmware.manifest)}\n".encode()
    files["/main.py"] = loader()
    return image_of(files | STRAY)


def test_a_stock_board_becomes_a_pump_that_delivers(monkeypatch: pytest.MonkeyPatch) -> None:
    with PtyBoard() as board:
        lines = flash.flash(board.path, hello_s=PATIENCE_S)
        # This board runs by itself, as fast as the machine lets it: a reply may take longer than a pump's.
        monkeypatch.setattr("titrate.client.REPLY_TIMEOUT_S", PATIENCE_S)
        print("\n".join(lines))
        assert lines[2].endswith(f"digest {firmware_digest('pico')}")
        assert lines[5] == "state     IDLE"

        command = [sys.executable, "-m", "titrate.cli", "status", "--port", board.path, "--json"]
        status = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        assert (status["state"], status["firmware"]) == ("IDLE", firmware_digest("pico"))

        phases = flat(25, 30)
        with Pump.open(board.path) as pump:
            pump.at_the_pump = board.hold
            start = pump.hello["boot"]
            assert start["frozen"] == 0
            assert start["free_bytes"] > RESERVE_BYTES + LEAST_PHASES * PHASE_BYTES, "it grows: hardly a program fits"
            pump.syringe(SYRINGE, 50_000_000)
            pump.confirm(pump.load(header(phases), phases))
            pump.start()
        with pytest.raises(Refused, match="an infusion is under way"):
            flash.flash(board.path)
        with Pump.open(board.path) as pump:
            while pump.wait_status()["state"] == "INFUSING":
                pass
            assert "INFUSION_COMPLETE" in pump.status()["alarms"]
            counted = pump.status()["counted_steps"]
            pump.stop()
        assert flash.flash(board.path, hello_s=PATIENCE_S)[1] == "copied    nothing: all is there"
    pl, divisor = step_volume_pl(SYRINGE, 2000, 3200)
    due = 25 * PL_PER_ML * 30_000 * divisor // (PL_MS_PER_H * pl)
    assert abs(counted - due) <= 1
    assert board.report["steps"] == counted
    assert board.report["enabled"] == 1


@pytest.fixture(scope="module")
def flash_commands(old: Firmware, new: Firmware) -> int:
    """So many erases and programs an update takes that nobody interrupts."""
    with PtyBoard(installed(old), at_prompt=True) as whole:
        copied = put(whole, new)
    changed = {name for name, data in new.files.items() if old.files.get(name) != data}
    assert set(copied) == changed | {"manifest"}, "the rest was on the board"
    return int(whole.report["flash_commands"])


@pytest.mark.parametrize("point", range(CUTS))
def test_cut_by_a_power_failure_it_starts_a_whole_version_and_can_be_flashed(
    point: int, old: Firmware, new: Firmware, flash_commands: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At so many evenly spread flash commands of an update, the first and the last of them included."""
    before, commands = installed(old), flash_commands
    old_main, new_main = sha256(old.files["main.mpy"]), sha256(new.files["main.mpy"])
    cut_at = 1 + (commands - 1) * point // (CUTS - 1)
    with PtyBoard(before, at_prompt=True, cut_at=cut_at) as cut, pytest.raises(LinkError, match="the board went away"):
        put(cut, new)
    assert not cut.report["powered"]
    found = starts(cut.report["files"], tmp_path / "cut", monkeypatch)
    print(f"cut at flash command {cut_at} of {commands}: starts {'old' if found == old_main else 'new'}")
    assert found in (old_main, new_main)

    if point % 5 == 1:
        board = stock_board(cut.report["files"])
        board._chip.flash[TRAILER_AT : TRAILER_AT + len(TRAILER)] = TRAILER
        said, steps, enables = run_until_up(board)
        assert b'"status"' in said
        assert b'"state":"IDLE"' in said
        assert (steps, enables) == (0, 0)

    with PtyBoard(cut.report["files"], at_prompt=True) as again:
        put(again, new)
    assert starts(again.report["files"], tmp_path / "again", monkeypatch) == new_main


def test_a_frozen_image_takes_no_notice_of_the_files_of_a_flashed_one(old: Firmware, tmp_path: Path) -> None:
    path = tmp_path / "fs.img"
    path.write_bytes(installed(old))
    board = Emulated(Mechanics(SYRINGE), filesystem=path)
    assert b'"state":"IDLE"' in run_until_up(board)[0]
    board.write(framing.encode({"id": 0, "method": "hello", "params": {}}))
    board.run_for(200_000)
    said = board.read(board.available()).decode()
    assert '"frozen":1' in said
    assert firmware_digest("pico") in said
