"""pump.app in this process, with simulated devices, on a clock that only runs while somebody waits for it."""

from types import SimpleNamespace

from hil.boards import board_data
from hil.devices.annunciator import Annunciator
from hil.devices.clock import Clock
from hil.devices.inputs import Inputs
from hil.devices.keys import Keys
from hil.devices.link import Link
from hil.devices.pressure import Pressure
from hil.devices.stepper import Odometer, Stepper
from hil.devices.store import Store
from hil.devices.watchdog import Watchdog
from hil.firmware_digest import firmware_digest
from hil.mechanics import Mechanics
from pump.app import App
from pump.core.selftest import Parts
from pump.core.wire import VERSION

FOREVER_US = 1 << 62


class Simulated:
    """One simulated pump on its mechanics. Powered from the start."""

    name = "sim"

    def __init__(self, mechanics: Mechanics, board: str = "pico") -> None:
        self.mechanics = mechanics
        self._board = board_data(board)
        self._build = SimpleNamespace(VERSION=VERSION, DIGEST=firmware_digest(board))
        self._hung = False
        self._powered = True
        self.store = Store()
        self._boot(0, watchdog_reset=False, plugged=True)

    def _boot(self, now_us: int, watchdog_reset: bool, plugged: bool) -> None:
        board = self._board
        self.clock = Clock(now_us, board.CONTROL_PERIOD_MS)
        self.link = Link(self.clock, plugged)
        self.stepper = Stepper(self.clock, self.mechanics.step, self.mechanics.enable)
        self.watchdog = Watchdog(self.clock, board.WATCHDOG_MS)
        self._hung = False
        self.keys = Keys(self.clock)
        self.inputs = Inputs(self.keys)
        self.annunciator = Annunciator(self.clock)
        self.app = App(
            board=board,
            build=self._build,
            stepper=self.stepper,
            odometer=Odometer(self.stepper),
            pressure=Pressure(self._pressure_kpa, board.PRESSURE_ZERO, board.PRESSURE_MPA_PER_COUNT),
            clock=self.clock,
            link=self.link,
            watchdog=self.watchdog,
            watchdog_reset=watchdog_reset,
            collect=lambda: None,
            inputs=self.inputs,
            annunciator=self.annunciator,
            store=self.store,
            parts=Parts(),
        )

    def _pressure_kpa(self) -> float:
        self.stepper.catch_up()
        return self.mechanics.pressure_kpa(self.clock.now_us)

    @property
    def now_us(self) -> int:
        """Device time since the bench was opened; goes on through resets and power cuts."""
        return self.clock.now_us

    def settle(self) -> None:
        """Makes the pulses that are due by now."""
        self.stepper.catch_up()

    # --- the host's side of the link

    def write(self, data: bytes) -> None:
        if self._powered and self.link.plugged:
            self.link.incoming += data

    def available(self) -> int:
        return len(self.link.outgoing)

    def read(self, size: int) -> bytes:
        data = bytes(self.link.outgoing[:size])
        del self.link.outgoing[:size]
        return data

    def plug_link(self, plugged: bool) -> None:
        self.link.plugged = plugged
        self.link.incoming.clear()

    # --- time

    def run_for(self, us: int, until_bytes: int = 0) -> None:
        """Lets device time pass; with until_bytes only until so many wait to be read."""
        end_us = self.clock.now_us + us
        self.clock.horizon_us = end_us
        link, turn = self.link, self.app.turn
        while self.clock.now_us < end_us:
            if self._hung or not self._powered:
                self._idle(end_us)
                if self._hung or not self._powered:
                    break
                self.clock.horizon_us = end_us
                link, turn = self.link, self.app.turn
            if until_bytes and len(link.outgoing) >= until_bytes:
                break
            turn()
        self.stepper.catch_up()

    def _idle(self, end_us: int) -> None:
        """Time without a running firmware; a hung one ends by its watchdog."""
        if self._hung and self.watchdog.bites_us <= end_us:
            self.clock.now_us = max(self.watchdog.bites_us, self.clock.now_us)
            self.stepper.halt()
            self._boot(self.clock.now_us, watchdog_reset=True, plugged=self.link.plugged)
        else:
            self.clock.now_us = end_us

    # --- faults

    def hang(self) -> None:
        """The firmware stops dead, with interrupts off. The step generator and the watchdog go on."""
        self._hung = True

    def cut_power(self) -> None:
        self.stepper.halt()
        self.stepper.enable(False)
        self._powered = self._hung = False

    def restore_power(self) -> None:
        self._powered = True
        self._boot(self.clock.now_us, watchdog_reset=False, plugged=self.link.plugged)

    def close(self) -> None:
        self._powered = False
