"""How cost grows: simulated hours, events in the journal, phases of a program. Each at most linear."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hil.bench import open_bench
from hil.devices.store import Store
from pump.core.journal import Journal
from tests.programs import PL_PER_ML, SYRINGE, flat, follow, header
from tools.bench.scripted import scripted

HOURS = (1, 4, 16, 60, 240)
EVENTS = (0, 250, 500, 1000)
PHASES = (1, 60, 240, 500)
MORE_THAN_LINEAR = 1.5  # how much dearer a unit may be at the end than at half of the way; wall times are noisy


@dataclass(frozen=True)
class Growth:
    """What was varied (xs) and what it cost (ys), in these units."""

    name: str
    x_label: str
    y_label: str
    xs: Sequence[float]
    ys: Sequence[float]

    @property
    def is_linear(self) -> bool:
        """Whether the last stretch is no steeper than the one before it, within MORE_THAN_LINEAR."""
        (x0, x1, x2), (y0, y1, y2) = self.xs[-3:], self.ys[-3:]
        before, last = (y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1)
        return last <= MORE_THAN_LINEAR * max(before, y1 / x1)


def hours() -> Growth:
    """0.2 mL/h, so that one syringe lasts for all of it, on sim://."""
    wall_s = []
    for count in HOURS:
        phases = [phase for _ in range(-(-count // 24)) for phase in flat(0.2, min(count, 24) * 3600)]
        begun_s = time.perf_counter()
        with open_bench("sim://") as bench:
            bench.pump.syringe(SYRINGE, 50_000_000)
            bench.pump.confirm(bench.pump.load(header(phases), phases))
            bench.pump.start()
            status = bench.pump.wait_status()
            while status["state"] not in ("IDLE", "KVO", "ALARM", "FAULT"):
                status = bench.pump.wait_status()
            assert "INFUSION_COMPLETE" in status["alarms"], status
        wall_s.append(time.perf_counter() - begun_s)
    return Growth("a longer infusion", "simulated hours", "wall s", HOURS, wall_s)


def events() -> Growth:
    """Boot of the chip with so many events in its journal; each as long as those of an infusion are."""
    boot_ms = []
    for count in EVENTS:
        store = Store()
        journal = Journal(store)
        journal.open()
        for number in range(count):
            journal.add(number * 1000, "command", f"a request of a host, number {number}")
            journal.save()
        files: dict[str, str | bytes] = {f"store/{name}": store.read(name) or b"" for name in store.names()}
        with tempfile.TemporaryDirectory() as folder:
            port = scripted(Path(folder) / "files.img", files)
        boot_ms.append(float(port.bench.pump.hello["boot"]["ms"]))
        port.close()
    return Growth("a longer journal", "events", "boot, ms", EVENTS, boot_ms)


def phases() -> tuple[Growth, Growth]:
    """Loading a program on the chip, and the CPU while it runs."""
    load_s, cycles = [], []
    for count in PHASES:
        program = [
            ["infuse", 2_000, (20 + index % 7) * PL_PER_ML, (20 + index % 7) * PL_PER_ML] for index in range(count)
        ]
        program[0] = flat(25, 3600)[0]
        with open_bench("emu://", seed=1) as bench:
            bench.pump.syringe(SYRINGE, 50_000_000)
            begun_s = bench.now_s
            digest = bench.pump.load(header(program), program)
            bench.pump.confirm(digest)
            load_s.append(bench.now_s - begun_s)
            bench.pump.start()
            follow(bench, lambda status: status["infused_ms"] > 2500)
            before = bench.target.cycles  # type: ignore[attr-defined]
            bench.run_for(10)
            cycles.append((bench.target.cycles - before) / 100)  # type: ignore[attr-defined]
    return (
        Growth("a longer program: load and confirm", "phases", "device s", PHASES, load_s),
        Growth("a longer program: while it runs", "phases", "cycles a tick", PHASES, cycles),
    )


def all_of_them() -> list[Growth]:
    """Those of the chip side by side; hours, which is wall time, alone."""
    with ProcessPoolExecutor(2) as pool:
        of_events, of_phases = pool.submit(events), pool.submit(phases)
        by_chip = [of_events.result(), *of_phases.result()]
    return [hours(), *by_chip]
