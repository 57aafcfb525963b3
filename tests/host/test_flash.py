"""`make flash` without a board: what it copies, in which order, what it refuses; and the loader that starts it."""

import errno
import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import serial

from hil.firmware_digest import ROOT, firmware_digest
from tests.loader import boot
from titrate.errors import LinkError, ProtocolError, Refused
from tools import flash, flash_ports
from tools.flash import Installation
from tools.flash_files import Firmware, compile_firmware, loader, sha256
from tools.flash_prompt import Facts

BOARD = Facts("Raspberry Pi Pico with RP2040", (1, 25, 0), 6, 4096, 300)


class Cut(Exception):
    """The power fails, or the cable is pulled."""


class FolderPrompt:
    """tools.flash_prompt.Prompt on a folder of this machine. cut_at: the write of that number is torn."""

    def __init__(self, root: Path, cut_at: int | None = None) -> None:
        self.root, self.cut_at, self.writes = root, cut_at, 0

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def _spend(self, tear: Callable[[], object] = lambda: None) -> None:
        self.writes += 1
        if self.writes == self.cut_at:
            tear()
            raise Cut

    def files(self, folder: str) -> dict[str, tuple[str, int]]:
        base = self._at(folder)
        found = [path for path in base.rglob("*") if path.is_file()]
        return {p.relative_to(base).as_posix(): (sha256(p.read_bytes()), p.stat().st_size) for p in found}

    def text(self, path: str) -> str | None:
        return self._at(path).read_text() if self._at(path).exists() else None

    def run(self, code: str) -> str:
        assert "/main.py" in code
        main = self._at("/main.py")
        return sha256(main.read_bytes()) if main.exists() else ""

    def write(self, path: str, data: bytes) -> None:
        self._at(path).parent.mkdir(parents=True, exist_ok=True)
        self._spend(lambda: self._at(path).write_bytes(data[: len(data) // 2]))
        self._at(path).write_bytes(data)

    def copy(self, source: str, path: str) -> None:
        self.write(path, self._at(source).read_bytes())

    def remove(self, path: str) -> None:
        self._spend()
        self._at(path).unlink()

    def rename(self, source: str, path: str) -> None:
        self._spend()
        self._at(source).replace(self._at(path))


def firmware(version: str, *names: str) -> Firmware:
    """Some files; those that bear the version are another's in each."""
    files = {name: f"{name} {version if 'new' in name else ''}".encode() * 300 for name in names}
    files["main.mpy"] = version.encode()
    return Firmware(files, version)


OLD = firmware("old", "board.mpy", "pump/new.mpy", "pump/core/law.mpy", "pump/core/gone.mpy")
NEW = firmware("new", "board.mpy", "pump/new.mpy", "pump/core/law.mpy", "pump/core/new.mpy")


def install(root: Path, content: Firmware, cut_at: int | None = None, facts: Facts = BOARD) -> Installation:
    """As flash() does once it is at the prompt."""
    installation = Installation(FolderPrompt(root, cut_at), content)  # type: ignore[arg-type]
    if not installation.is_current:
        installation.install(facts)
    installation.install_loader()
    return installation


def test_a_fresh_board_gets_everything_and_then_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = install(tmp_path, OLD)
    assert sorted(first.copied) == sorted([*OLD.files, "manifest", "main.py of the board"])
    assert boot(tmp_path, monkeypatch) == ("old", 1)
    assert install(tmp_path, OLD).copied == []


def test_a_new_version_is_copied_where_it_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, OLD)
    second = install(tmp_path, NEW)
    assert sorted(second.copied) == ["main.mpy", "manifest", "pump/core/new.mpy", "pump/new.mpy"]
    assert boot(tmp_path, monkeypatch) == ("new", 1)
    assert install(tmp_path, NEW).copied == []
    assert sorted(install(tmp_path, OLD).copied) == [], "the slot of the version before is still whole"
    assert boot(tmp_path, monkeypatch) == ("old", 1)


@pytest.mark.parametrize("before", [None, OLD], ids=["fresh", "over an old one"])
def test_cut_at_every_write_the_old_or_the_new_starts_whole(
    before: Firmware | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_at = 0
    outcomes = []
    while True:
        cut_at += 1
        root = tmp_path / str(cut_at)
        root.mkdir()
        if before:
            install(root, before)
        try:
            install(root, NEW, cut_at)
            break
        except Cut:
            outcomes.append(boot(root, monkeypatch)[0])
            install(root, NEW)
            assert boot(root, monkeypatch) == ("new", 1), f"not recovered from a cut at write {cut_at}"
    assert len(outcomes) >= len(NEW.files) + 3, "manifest, pointer and its rename"
    assert set(outcomes) == {before.digest if before else None}, "all before the last write"


def test_one_byte_that_differs_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, OLD)
    chance = random.Random(5)
    paths = [path for path in (tmp_path / "firmware").rglob("*") if path.is_file()]
    assert len(paths) == len(OLD.files) + 2
    for path in paths:
        good = path.read_bytes()
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] ^= 1
        path.write_bytes(bad)
        assert boot(tmp_path, monkeypatch) == (None, 0), path.name
        path.unlink()
        assert boot(tmp_path, monkeypatch) == (None, 0), path.name
        path.write_bytes(good)
    assert boot(tmp_path, monkeypatch) == ("old", 1)


def test_the_loader_waits_when_asked_and_gives_up_on_a_firmware_that_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, OLD)
    assert boot(tmp_path, monkeypatch, mark=0x10AD) == (None, 0)
    assert boot(tmp_path, monkeypatch, mark=1) == ("old", 2), "the proof of the watchdog costs a start"
    assert boot(tmp_path, monkeypatch, mark=4) == (None, 0)


def test_somebody_elses_main_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.py").write_text("print('blink')")
    install(tmp_path, OLD)
    assert (tmp_path / "main.before.py").read_text() == "print('blink')"
    assert boot(tmp_path, monkeypatch) == ("old", 1)


def test_no_space_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    full = Facts(BOARD.machine, BOARD.version, BOARD.bytecode, BOARD.block_bytes, 10)
    with pytest.raises(Refused, match=r"no space .* KB are needed and 40 KB free"):
        install(tmp_path, OLD, facts=full)
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (Facts("Raspberry Pi Pico2 with RP2350", (1, 25, 0), 6, 4096, 300), "name another BOARD or another PORT"),
        (Facts("Raspberry Pi Pico W with RP2040", (1, 25, 0), 6, 4096, 300), "name another BOARD or another PORT"),
        (Facts(BOARD.machine, (1, 24, 1), 6, 4096, 300), r"1\.24\.1 is too old: put 1\.25\.0 or later on it"),
        (Facts(BOARD.machine, (2, 0, 0), 7, 4096, 300), "takes .mpy files of version 7"),
    ],
)
def test_a_board_that_does_not_fit_is_refused(facts: Facts, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        flash.check_board(facts, "pico")


def test_a_fitting_board_is_not() -> None:
    flash.check_board(BOARD, "pico")
    flash.check_board(Facts(BOARD.machine, (1, 26, 1), 6, 4096, 300), "pico")


def test_the_compiled_firmware_is_that_of_the_frozen_image() -> None:
    compiled = compile_firmware("pico")
    assert compiled.digest == firmware_digest("pico")
    assert {"main.mpy", "board.mpy", "build_info.mpy", "pump/app.mpy", "pump/core/law.mpy"} <= set(compiled.files)
    sources = list(ROOT.glob("firmware/pump/**/*.py"))
    assert len(compiled.files) == len(sources) + 3
    assert compiled.digest.encode() in compiled.files["build_info.mpy"]
    assert compile_firmware("pico").manifest == compiled.manifest, "compiling twice gives other bytes"
    line = f"{hashlib.sha256(compiled.files['pump/app.mpy']).hexdigest()} pump/app.mpy\n"
    assert line.encode() in compiled.manifest
    assert b'PLACE = "/firmware"' in loader()


# --- ports


def usb(device: str, vid: int | None = 0x2E8A, pid: int | None = 5, number: str | None = "e66") -> SimpleNamespace:
    return SimpleNamespace(device=device, vid=vid, pid=pid, serial_number=number)


def plug(monkeypatch: pytest.MonkeyPatch, *ports: SimpleNamespace) -> None:
    monkeypatch.setattr(flash_ports.list_ports, "comports", lambda: list(ports))


def test_the_only_board_is_found_by_its_usb_id(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, usb("/dev/ttyS0", None, None), usb("/dev/ttyUSB0", 0x0403, 0x6001), usb("/dev/ttyACM7"))
    assert flash_ports.the_board() == "/dev/ttyACM7"


def test_several_boards_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, usb("/dev/ttyACM1"), usb("/dev/ttyACM0"))
    with pytest.raises(ProtocolError, match=r"PORT: .*/dev/ttyACM0, /dev/ttyACM1"):
        flash_ports.the_board()


def test_no_board_says_which_ports_there_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plug(monkeypatch, usb("/dev/ttyS0", None, None))
    monkeypatch.setattr(flash_ports, "USB_DEVICES", tmp_path)
    with pytest.raises(LinkError, match=r"no board is found.*serial ports here: /dev/ttyS0"):
        flash_ports.the_board()


def test_a_board_in_boot_mode_is_recognised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plug(monkeypatch)
    monkeypatch.setattr(flash_ports, "USB_DEVICES", tmp_path)
    device = tmp_path / "1-4"
    device.mkdir()
    (device / "idVendor").write_text("2e8a\n")
    (device / "idProduct").write_text("0003\n")
    with pytest.raises(LinkError, match="boot mode: unplug it and plug it in without its button"):
        flash_ports.the_board()


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOENT, "there is no such port"),
        (errno.EACCES, "no permission: join its group"),
        (errno.EBUSY, "another program has it open"),
        (errno.EAGAIN, "another program has it open"),
        (errno.EIO, "cannot be opened: "),
    ],
)
def test_a_port_that_does_not_open_is_one_line_of_advice(
    number: int, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(port: str) -> None:
        raise serial.SerialException(number, f"could not open port {port}:\n {os.strerror(number)}")

    plug(monkeypatch)
    monkeypatch.setattr(flash_ports, "_open", fail)
    with pytest.raises(LinkError, match=advice) as raised:
        flash_ports.check("/dev/ttyACM0")
    assert str(raised.value).startswith("/dev/ttyACM0: ")
    assert "\n" not in str(raised.value)


def test_a_board_is_found_again_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, usb("/dev/ttyACM0", number="other"), usb("/dev/ttyACM1", number="e66"))
    opened: list[str] = []
    monkeypatch.setattr(flash_ports, "_open", opened.append)
    assert flash_ports.await_return("/dev/ttyACM0", "e66") == "/dev/ttyACM1"
    assert opened == ["/dev/ttyACM1"]


# --- the command


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tools.flash", *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--port", "/dev/ttyNOT"), 3, "there is no such port"),
        (("--board", "toaster", "--port", "/dev/ttyNOT"), 2, 'BOARD: "toaster" is not valid; allowed: one of pico'),
    ],
)
def test_the_command_ends_in_one_line(arguments: tuple[str, ...], code: int, words: str) -> None:
    done = command(*arguments)
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_a_port_in_use_is_said_so() -> None:
    master, client = os.openpty()
    with serial.Serial(os.ttyname(client), exclusive=True) as held:
        done = command("--port", str(held.port))
    assert (done.returncode, "another program has it open" in done.stderr) == (3, True)
    os.close(master)
    os.close(client)
