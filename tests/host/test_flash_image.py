"""`make flash-image`, with a folder in place of the drive and a script in place of picotool."""

import errno
from pathlib import Path
from typing import Any

import pytest

from titrate.errors import LinkError, ProtocolError, Refused
from tools import flash_image

INFO = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"
IMAGE = bytes(range(256)) * 1000


def drive(folder: Path, info: str = INFO) -> Path:
    folder.mkdir(parents=True)
    (folder / "INFO_UF2.TXT").write_text(info)
    return folder


def test_the_image_is_copied_whole(tmp_path: Path) -> None:
    board = drive(tmp_path / "user/RPI-RP2")
    (tmp_path / "user/stick").mkdir()
    assert flash_image.drives([f"{tmp_path}/*/*"]) == [board]
    flash_image.write_to_drive(IMAGE, board)
    assert (board / "firmware.uf2").read_bytes() == IMAGE


def test_one_board_is_the_board(tmp_path: Path) -> None:
    assert flash_image.the_drive([tmp_path]) == tmp_path
    with pytest.raises(LinkError, match="hold BOOTSEL while you plug the board in"):
        flash_image.the_drive([])
    with pytest.raises(ProtocolError, match="there are several boards"):
        flash_image.the_drive([tmp_path / "a", tmp_path / "b"])


def test_another_boards_drive_is_refused(tmp_path: Path) -> None:
    board = drive(tmp_path / "RP2350", INFO.replace("RPI-RP2", "RP2350"))
    with pytest.raises(Refused, match="Board-ID: RP2350, not Board-ID: RPI-RP2"):
        flash_image.write_to_drive(IMAGE, board)
    assert not (board / "firmware.uf2").exists()


def test_a_folder_that_is_no_drive_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match=r"it has no INFO_UF2\.TXT"):
        flash_image.write_to_drive(IMAGE, tmp_path)


@pytest.mark.parametrize("gone", [True, False])
def test_an_error_at_the_very_end_is_the_board_restarting(
    gone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = drive(tmp_path / "RPI-RP2")

    def fail(_: Any) -> None:
        if gone:
            (board / "INFO_UF2.TXT").unlink()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(flash_image.os, "fsync", fail)
    if gone:
        flash_image.write_to_drive(IMAGE, board)
    else:
        with pytest.raises(LinkError, match="went away after 256000 of 256000 bytes"):
            flash_image.write_to_drive(IMAGE, board)


def picotool(folder: Path, script: str) -> str:
    tool = folder / "picotool"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    return str(tool)


def test_picotool_is_asked_to_load_verify_and_start(tmp_path: Path) -> None:
    tool = picotool(tmp_path, f'echo "$@" > {tmp_path}/asked')
    flash_image.write_with_picotool(tool, Path("firmware.uf2"))
    assert (tmp_path / "asked").read_text() == "load -v -x firmware.uf2\n"


def test_picotools_own_reason_is_passed_on(tmp_path: Path) -> None:
    tool = picotool(tmp_path, 'echo "No accessible RP2040 devices in BOOTSEL mode were found."; exit 249')
    with pytest.raises(LinkError, match="No accessible RP2040 devices"):
        flash_image.write_with_picotool(tool, Path("firmware.uf2"))


def test_each_chip_has_its_own_drive(tmp_path: Path) -> None:
    board = drive(tmp_path / "RP2350", INFO.replace("RPI-RP2", "RP2350"))
    flash_image.write_to_drive(b"image", board, "rp2350")
    assert (board / "firmware.uf2").read_bytes() == b"image"
    with pytest.raises(Refused, match="Board-ID: RPI-RP2, not Board-ID: RP2350"):
        flash_image.write_to_drive(b"image", drive(tmp_path / "RPI-RP2"), "rp2350")
