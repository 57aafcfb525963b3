"""Twin of drivers/interlock_pio.py: turns the motor driver off where more pulses come than were granted."""

from collections.abc import Callable

from hil.devices.clock import Clock
from hil.devices.motor_driver import AtThePins


class Interlock:
    """driver: whose EN it drives. on_enable(at_us): when that turns it on. enabled: its level. passed() is told of each
    pulse."""

    def __init__(self, clock: Clock, driver: AtThePins, on_enable: Callable[[int], None]) -> None:
        self._clock = clock
        self._driver = driver
        self._on_enable = on_enable
        self._granted: int | None = None  # until the next pulse takes it up
        self._left = 0
        self.enabled = False

    def enable(self, steps: int) -> None:
        self._granted = steps
        self._on_enable(self._clock.now_us)
        self._driver.drive(on=True)
        self.enabled = True

    def disable(self) -> None:
        self._driver.drive(on=False)
        self.enabled = False

    def grant(self, steps: int) -> bool:
        self._granted = steps
        return self.enabled

    def passed(self) -> None:
        """The falling edge of a pulse at the step pin."""
        if not self.enabled:
            return
        if self._granted is not None:
            self._left, self._granted = self._granted, None
        if self._left:
            self._left -= 1
        else:
            self.disable()
