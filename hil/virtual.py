"""A bench whose pump and instruments run by themselves behind pseudo-terminals, with a bench file that names them.

For every program that wants real ports: the rig's own way to a real bench, mpremote, a terminal.
`python -m hil.virtual` keeps one up until Ctrl-C; `make hil TARGET=<the file it names>` takes it for a real one.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from hil.bench import Bench, open_bench
from hil.instruments.pan import Pan
from hil.instruments.pty_port import PtyPort
from hil.instruments.relay_board import RelayBoardTwin
from hil.instruments.twins import TWINS

MOST_AT_ONCE_S = 0.25  # of wall time; a machine that is slower than this falls behind, and the pump's time with it
FILE = """\
name = "virtual bench"
syringe = "bd-plastipak-50"

[pump]
port = "{pump}"

[line]
volume_ul = 1200

[limits]
rate_ml_h = 400
pressure_kpa = 80
volume_ml = 45

[balance]
family = "{family}"
port = "{balance}"
readability_g = 0.0001
capacity_g = 220
evaporation_g_h = 0.003

[relays]
port = "{relays}"

[occluder]
by = "relay"
relay = 0

[guard]
by = "relay"
relay = 1

[keys]
stop = 4
start = 5
bolus = 6
mute = 7
"""
KEYS = {4: "stop", 5: "start", 6: "bolus", 7: "mute"}


class FreeRunning:
    """A bench of `open_bench` whose time runs at `speed` times the wall's, whether anybody reads or not.

    lock: to be held by whoever looks at the bench from outside. pty: the pump's port.
    """

    def __init__(self, bench: Bench, speed: float = 1.0) -> None:
        self.bench = bench
        self.speed = speed
        self.lock = threading.RLock()
        self._at_s = time.monotonic()
        self.pty = PtyPort(self._answer, self._poll)

    def _answer(self, data: bytes) -> bytes:
        with self.lock:
            self.bench.target.write(data)
        return b""

    def _poll(self) -> bytes:
        now_s = time.monotonic()
        passed_s, self._at_s = min(now_s - self._at_s, MOST_AT_ONCE_S), now_s
        with self.lock:
            target = self.bench.target
            target.run_for(round(passed_s * self.speed * 1e6))
            return target.read(target.available())

    def monotonic(self) -> float:
        """Device time: with `sleep` the clock of whoever measures on it."""
        with self.lock:
            return self.bench.now_s

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.speed)


class VirtualBench:
    """pump, balance and relay board of one simulated bench, each at a port of its own; path: the bench file.

    balance, relays: the twins, to be spoilt; balance_pty: to be pulled.
    """

    def __init__(
        self,
        folder: Path,
        url: str = "sim://",
        family: str = "mt-sics",
        speed: float = 1.0,
        plant: str | int = "imperfect",
    ) -> None:
        self.bench = open_bench(url, seed=1, plant=plant)
        self.pump = FreeRunning(self.bench, speed)
        self.balance = TWINS[family](Pan(self._delivered_ul, self.pump.monotonic, seed=1))
        self.relays = RelayBoardTwin(self._switch)
        self.balance_pty = PtyPort(self.balance.answer)
        self._relays_pty = PtyPort(self.relays.answer)
        self.path = folder / "bench.toml"
        ports = {"pump": self.pump.pty.path, "balance": self.balance_pty.path, "relays": self._relays_pty.path}
        self.path.write_text(FILE.format(family=family, **ports))

    def _delivered_ul(self) -> float:
        with self.pump.lock:
            return self.bench.delivered_ul

    def _switch(self, relay: int, on: bool) -> None:
        target = self.bench.target
        with self.pump.lock:
            if relay == 0:
                self.bench.occlude() if on else self.bench.release()
            elif relay == 1:
                self.bench.open_guard() if on else self.bench.close_guard()
            elif on:
                target.press(KEYS[relay], None)
            else:
                target.release_key(KEYS[relay])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for port in (self.pump.pty, self.balance_pty, self._relays_pty):
            port.close()
        self.bench.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m hil.virtual", description="A simulated bench behind real ports.")
    parser.add_argument("--url", default="sim://", help="sim:// or emu://")
    parser.add_argument(
        "--plant", default="imperfect", help="ideal, imperfect, soft, or a number that draws a specimen"
    )
    parser.add_argument("--family", default="mt-sics", choices=sorted(TWINS), help="of the balance")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        VirtualBench(Path(folder), chosen.url, chosen.family, plant=chosen.plant) as virtual,
        contextlib.suppress(KeyboardInterrupt),
    ):
        print(virtual.path, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
