"""`make flash`: puts the firmware as .mpy files onto a board that runs stock MicroPython, and waits for its hello.

The new version goes into a folder of its own beside the one in force, is verified there by digests that the board
works out, and is put in force by one rename. Whenever that is interrupted, the board starts the old version whole, or
none. See docs/decisions/0021.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import suppress

from hil.firmware_digest import ROOT
from titrate import Pump
from titrate.errors import LinkError, ProtocolError, PumpError, Refused, TimedOut
from tools import flash_ports
from tools.flash_files import BYTECODE, Firmware, compile_firmware, loader, sha256
from tools.flash_prompt import Facts, Prompt

PLACE = "/firmware"  # as in firmware/loader.py
SLOTS = ("a", "b")
STORE = "/store"  # the pump's own files, as in drivers/store_littlefs.py
OLDEST = (1, 25, 0)  # the MicroPython that the firmware is tested with
RESERVE_BLOCKS = 12  # for folders, and for what littlefs needs to write at all
SETTLE_S = 1.0  # after a reset: the old port is still there for a moment
HELLO_S = 60.0  # for the loader and the firmware to come up
INTERRUPTED = 1  # exit code
UNDER_WAY = ("INFUSING", "BOLUS", "KVO", "PAUSED", "PRIMING", "FILLING")


def refused(reason: str) -> Refused:
    return Refused("flash", "the board", reason)


def leave_firmware(port: str) -> None:
    """Asks a pump to end its firmware, which it does in IDLE or FAULT only. Nothing to do at MicroPython's prompt."""
    number = flash_ports.identity(port)
    try:
        pump = Pump.open(port, any_version=True)
    except TimedOut:
        return
    with pump:
        if pump.hello.get("boot", {}).get("frozen"):
            raise refused("its firmware is frozen into its image: replace that in boot mode with `make flash-image`")
        try:
            pump.request("update")
        except Refused as refusal:
            raise refused(_way_out(port, pump.state, refusal)) from refusal
    time.sleep(SETTLE_S)
    flash_ports.await_return(port, number)


def _way_out(port: str, state: str, refusal: Refused) -> str:
    stop = f"`titrate stop --port {port}`"
    if state in UNDER_WAY:
        return f"an infusion is under way ({state}): let it end, or end it with {stop}; then flash again"
    if state in ("READY", "ALARM"):
        return f"the pump is not IDLE but {state}: {stop} ends that; then flash again"
    if state == "BOOT":
        return "the pump is still testing itself: flash again in a few seconds"
    return f"its firmware cannot give way over the link ({refusal.reason}): use boot mode and `make flash-image`"


def check_board(facts: Facts, board: str) -> None:
    """Refuses a board that the firmware is not for, or a MicroPython that it does not run on."""
    machines = json.loads((ROOT / "boards" / board / "board.json").read_text())["machines"]
    if facts.machine not in machines:
        raise refused(f'it is "{facts.machine}", and {board} is "{machines[0]}": name another BOARD or another PORT')
    found, oldest = (".".join(map(str, version)) for version in (facts.version, OLDEST))
    if facts.version < OLDEST:
        raise refused(f"its MicroPython {found} is too old: put {oldest} or later on it, then flash again")
    if facts.bytecode != BYTECODE:
        raise refused(
            f"its MicroPython {found} takes .mpy files of version {facts.bytecode}, and mpy-cross writes version "
            f"{BYTECODE}: put MicroPython {oldest} on it, then flash again"
        )


class Installation:
    """What lies on the board, and what has to change there for `firmware`. active: the slot in force if it is whole."""

    def __init__(self, prompt: Prompt, firmware: Firmware) -> None:
        self._prompt, self._firmware = prompt, firmware
        self._there = {slot: prompt.files(f"{PLACE}/{slot}") for slot in SLOTS}
        self.copied: list[str] = []
        self.active: str | None = None
        slot, _, expected = (prompt.text(f"{PLACE}/current") or "").strip().partition(" ")
        if slot in SLOTS and self._there[slot].get("manifest", ("",))[0] == expected:
            manifest = prompt.text(f"{PLACE}/{slot}/manifest") or ""
            listed = dict(line.split(" ", 1)[::-1] for line in manifest.splitlines())
            if all(self._digest(slot, name) == digest for name, digest in listed.items()):
                self.active = slot

    def _digest(self, slot: str, name: str) -> str:
        return self._there[slot].get(name, ("", 0))[0]

    @property
    def is_current(self) -> bool:
        """The very same firmware is in force already."""
        return self.active is not None and self._digest(self.active, "manifest") == sha256(self._firmware.manifest)

    def install(self, facts: Facts) -> None:
        """Copies what differs into the slot that is not in force, verifies it, and puts it in force."""
        target = SLOTS[0] if self.active != SLOTS[0] else SLOTS[1]
        wanted = {**self._firmware.files, "manifest": self._firmware.manifest}
        missing = {name: data for name, data in wanted.items() if self._digest(target, name) != sha256(data)}
        self._check_space(facts, target, missing)
        folder = f"{PLACE}/{target}"
        for name in self._there[target].keys() - wanted.keys():
            self._prompt.remove(f"{folder}/{name}")
        for name, data in missing.items():
            if self.active and self._digest(self.active, name) == sha256(data):
                self._prompt.copy(f"{PLACE}/{self.active}/{name}", f"{folder}/{name}")
            else:
                self._prompt.write(f"{folder}/{name}", data)
                self.copied.append(name)
        there = {name: digest for name, (digest, _) in self._prompt.files(folder).items()}
        wrong = [name for name, data in wanted.items() if there.get(name) != sha256(data)]
        if wrong:
            raise LinkError(f"{folder}/{wrong[0]} differs on the board after it was copied: flash again")
        self._replace(f"{PLACE}/current", f"{target} {sha256(wanted['manifest'])}\n".encode())

    def install_loader(self) -> None:
        """main.py comes last: before that a fresh board starts nothing at all. One of somebody else's is kept."""
        text = loader()
        there = self._prompt.run("print(digest('/main.py') if 'main.py' in os.listdir('/') else '')").strip()
        if there == sha256(text):
            return
        before = self._prompt.text("/main.py") or "" if there else ""
        if there and f'PLACE = "{PLACE}"' not in before:
            self._prompt.rename("/main.py", "/main.before.py")
        self._replace("/main.py", text)
        self.copied.append("main.py of the board")

    def _replace(self, path: str, data: bytes) -> None:
        self._prompt.write(f"{PLACE}/next", data)
        self._prompt.rename(f"{PLACE}/next", path)

    def _check_space(self, facts: Facts, target: str, missing: dict[str, bytes]) -> None:
        def blocks(size: int) -> int:
            return -(-size // facts.block_bytes)

        needed = RESERVE_BLOCKS + sum(blocks(len(data)) for data in missing.values())
        needed -= sum(blocks(self._there[target][name][1]) for name in missing if name in self._there[target])
        if facts.free_blocks < needed:
            kb, free_kb = (count * facts.block_bytes // 1024 for count in (needed, facts.free_blocks))
            raise refused(
                f"no space on its filesystem: {kb} KB are needed and {free_kb} KB free: remove files other than those "
                f"in {PLACE} and {STORE}, with `mpremote rm`"
            )


def await_hello(port: str, number: str | None, hello_s: float) -> Pump:
    """The pump, once it says hello after a reset."""
    time.sleep(SETTLE_S)
    deadline_s = time.monotonic() + hello_s
    while True:
        port = flash_ports.await_return(port, number)
        try:
            return Pump.open(port)
        except LinkError as error:
            if time.monotonic() > deadline_s:
                raise LinkError(f"{port}: the firmware is on the board and says no hello: {error}") from error


def put(prompt: Prompt, firmware: Firmware, board: str) -> tuple[Facts, list[str]]:
    """Makes the firmware that which the board starts next: (what board it is, the files that had to be copied)."""
    facts = prompt.facts()
    check_board(facts, board)
    installation = Installation(prompt, firmware)
    if not installation.is_current:
        installation.install(facts)
    installation.install_loader()
    return facts, installation.copied


def flash(port: str, board: str = "pico", hello_s: float = HELLO_S) -> list[str]:
    """Puts the firmware onto the board behind the port; the lines to show. Raises PumpError's tree.

    hello_s: for it to come up, by the clock on the wall; an emulated board on a busy machine takes its time.
    """
    firmware = compile_firmware(board)
    flash_ports.check(port)
    leave_firmware(port)
    number = flash_ports.identity(port)
    prompt = Prompt(port)
    try:
        facts, copied = put(prompt, firmware, board)
        prompt.reset()
    except Refused:
        with suppress(PumpError):
            prompt.reset()  # to what it had before
        raise
    finally:
        prompt.close()
    with await_hello(port, number, hello_s) as pump:
        hello = pump.hello
        if hello["firmware"] != firmware.digest:
            raise LinkError(f"{port}: the board answers with firmware {hello['firmware']} instead of {firmware.digest}")
        return [
            f"board     {facts.machine}, MicroPython {'.'.join(map(str, facts.version))}, at {pump.port.port}",
            f"copied    {len(copied)} of {len(firmware.files) + 2} files"
            if copied
            else "copied    nothing: all is there",
            f"firmware  {hello['version']}, digest {hello['firmware']}",
            f"free RAM  {hello['boot']['free_bytes']} bytes after boot",
            f"hello     {hello['boot']['ms']} ms after the reset",
            f"state     {pump.state}",
        ]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--board", default="pico", help="a folder of boards/")
    arguments.add_argument("--port", help="without it, the only board that is plugged in")
    options = arguments.parse_args()
    try:
        known = sorted(path.parent.name for path in ROOT.glob("boards/*/board.json"))
        if options.board not in known:
            raise ProtocolError("BOARD", options.board, f"one of {', '.join(known)}")
        for line in flash(options.port or flash_ports.the_board(), options.board):
            print(line)
    except Refused as refusal:
        if refusal.method != "flash":
            _fail(str(refusal), refusal.exit_code)
        _fail(f"the board is not flashed: {refusal.reason}", refusal.exit_code)
    except PumpError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted: flash again, or unplug the board and plug it in to have what it had before", INTERRUPTED)
    except RuntimeError as error:  # of the compiler
        _fail(str(error), ProtocolError.exit_code)


def _fail(message: str, code: int) -> None:
    print(f"flash: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
