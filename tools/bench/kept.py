"""What the firmware keeps over 24 simulated hours of infusing, asked all the time.

A day on the emulated chip takes hours, so its heap is watched for ten minutes (chip.infusion). A leak is an object more
that somebody still refers to, and the code that could keep one is the same in a simulation; but for the drivers, which
keep nothing that grows.
"""

from __future__ import annotations

import gc
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from hil.bench import Bench, open_bench
from tests.programs import flat, start

HOURS, ASK_EVERY_S = 24, 20
ML_H = 1.5  # a syringe of 50 mL lasts for it
OUTSIDE = (type, ModuleType, FunctionType, BuiltinFunctionType, int, float, str, bytes)


def objects(root: Any) -> int:
    """How many objects of its own the firmware refers to, directly and not; without numbers and texts, which come and
    go in fields that are always there, and without the rig's own."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, OUTSIDE) or type(item).__module__.startswith("hil"):
            continue
        seen.add(id(item))
        waiting += gc.get_referents(item)
    return len(seen)


def ask(bench: Bench) -> None:
    """Link traffic: what an attending host asks."""
    bench.pump.status()
    bench.pump.request("doses")
    bench.pump.heartbeat()


def day() -> dict[str, float]:
    """Objects more after 24 h of infusing and asking than after the first hour."""
    after_h = []
    with open_bench("sim://") as bench:
        start(bench, flat(ML_H, (HOURS + 1) * 3600), attended=True)
        for _ in range(HOURS):
            for _ in range(3600 // ASK_EVERY_S):
                bench.run_for(ASK_EVERY_S)
                ask(bench)
            after_h.append(objects(bench.target.app))  # type: ignore[attr-defined]
        if bench.pump.status()["state"] != "INFUSING":
            raise RuntimeError("it did not infuse for the whole day")
    return {"objects_grown_24h": max(after_h[1:]) - after_h[0]}
