"""Step errors of other ways to make steps in MicroPython: on the same emulated chip, at one rate, with one load.

The peers are a few lines each (peers/), written for the comparison, and given a period of whole milliseconds so that
rounding it counts for nothing.
"""

import tempfile
from pathlib import Path

from hil.boards import ROOT, board_data
from pump.core import framing
from tools.bench.scripted import scripted

STOCK = ROOT / "build/stock-pico.uf2"
ASYNCIO = ROOT / "build/micropython/micropython/extmod/asyncio"
PEERS = Path(__file__).parent / "peers"
PERIOD_MS = 49  # 25 mL/h with a 50 mL syringe make a step in 49.9 ms
SETTLE_S, RUN_S = 3, 10  # a busy chip is slow to emulate
REQUEST = framing.encode({"id": 1, "method": "status", "params": {}})


def step_error_us(peer: str) -> float:
    """The largest distance of a peer's step from its period, from the first step on; a status asked each second."""
    pins = board_data("pico").PINS
    values = {"STEP": pins["step"], "ENABLE": pins["enable"], "PERIOD_US": PERIOD_MS * 1000}
    settings = "".join(f"{name} = {value}\n" for name, value in values.items())
    files: dict[str, str | bytes] = {
        "main.py": (PEERS / f"{peer}.py").read_text(),
        "settings.py": settings,
        "load.py": (PEERS / "load.py").read_text(),
    }
    if peer.startswith("asyncio"):  # not part of an image without micropython-lib's manifest
        files |= {f"asyncio/{file.name}": file.read_bytes() for file in ASYNCIO.glob("*.py")}
    with tempfile.TemporaryDirectory() as folder:
        port = scripted(Path(folder) / "files.img", files, STOCK)
    bench = port.bench
    bench.run_for(SETTLE_S)
    for _ in range(RUN_S):
        port.write(REQUEST)
        bench.run_for(1)
        port.drain()
    # No peer sets the driver up, whose own microsteps are coarser than ours: a pulse is two steps at one instant.
    times = sorted({at_us for at_us in bench.step_times_us if at_us > 1e6 * SETTLE_S})
    port.close()
    if not 0.9 < len(times) * PERIOD_MS / (RUN_S * 1000) < 1.1:
        raise RuntimeError(f"{peer}: {len(times)} steps in {RUN_S} s: it does not run")
    return max(abs(at_us - times[0] - index * PERIOD_MS * 1000) for index, at_us in enumerate(times))


def timer() -> dict[str, float]:
    return {"timer_error_us_max": step_error_us("timer_stepper")}


def asyncio() -> dict[str, float]:
    return {"asyncio_error_us_max": step_error_us("asyncio_stepper")}


def against(values: dict[str, float]) -> dict[str, float]:
    """Theirs over ours, which is taken for no less than the microsecond that all are measured in."""
    ours_us = max(values["step_error_us_max"], 1.0)
    return {
        "steps_vs_timer": values["timer_error_us_max"] / ours_us,
        "steps_vs_asyncio": values["asyncio_error_us_max"] / ours_us,
    }
