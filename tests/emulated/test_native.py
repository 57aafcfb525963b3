"""The chip runs in C as it runs with the emulator's own loop and divider: to the cycle, the nanosecond and the bit."""

import shutil
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from hil.bench import open_bench
from hil.plugin import need_emulator
from hil.targets import emulated
from tests.programs import flat, start

pytestmark = [pytest.mark.emulated, pytest.mark.slow]


def seen() -> dict[str, Any]:
    """From power-on through two seconds of an infusion and a reset by the watchdog."""
    with open_bench("emu://", seed=1, plant="imperfect") as bench:
        target: Any = bench.target
        start(bench, flat(25, 600))
        bench.run_for(2)
        bench.hang()
        bench.run_for(2)
        bench.reconnect()
        return {
            "status": bench.pump.status(),
            "steps": list(bench.step_times_us),
            "cycles": target.cycles,
            "nanoseconds": target.chip.clock.nanos,
            "memory": bytes(target.chip.sram),
        }


def test_it_is_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    need_emulator()
    if not compiled():
        pytest.skip("no C compiler or no Python headers: the emulator runs with its own loop")
    native = seen()
    monkeypatch.setattr(emulated, "_chip_loop", emulated._SlowLoop)
    assert native == seen()
    assert len(native["steps"]) > 10


def compiled() -> bool:
    """Whether set-up could compile; then it must have."""
    can = shutil.which("cc") and Path(sysconfig.get_path("include"), "Python.h").exists()
    if not can:
        return False
    from hil.targets import native

    return hasattr(native, "ChipLoop")


@pytest.mark.parametrize("signed", [False, True])
def test_the_divider(signed: bool) -> None:
    """Against the emulator's own, at the bounds: quotient, remainder, state and what it costs."""
    need_emulator()
    if not compiled():
        pytest.skip("no C compiler or no Python headers: the emulator runs with its own divider")
    from rp2040py.sio import RPSIO

    from hil.targets.native import Sio

    with open_bench("emu://") as bench:
        chip: Any = bench.target.chip  # type: ignore[attr-defined]
        ours, theirs = Sio(chip), RPSIO(chip)
        edges = [0, 1, 2, 3, 7, 10, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFF9, 0xFFFFFFFE, 0xFFFFFFFF]
        at = 0x68 if signed else 0x60
        for dividend in edges:
            for divisor in edges:
                found = []
                for sio in (ours, theirs):
                    before = chip.core.cycles
                    sio.write_uint32(at, dividend)
                    sio.write_uint32(at + 4, divisor)
                    read = [int(sio.read_uint32(offset)) & 0xFFFFFFFF for offset in range(0x60, 0x7C, 4)]
                    found.append((read, sio.read_uint32(0x78), chip.core.cycles - before))
                assert found[0] == found[1], f"{dividend:#x} / {divisor:#x}"
