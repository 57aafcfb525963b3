"""RP2040 pin: the fault output of a motor driver, such as the DRV8825's, which pulls it low."""

from machine import Pin


class FaultPin:
    """set_up() and look(): what is wrong, or nothing. An unplugged wire reads as no fault, for the pull-up is ours.
    It says no more than that, so there is nothing to ask."""

    mended = 0  # there is no reply that could be lost

    def __init__(self, pin):
        self._pin = Pin(pin, Pin.IN, Pin.PULL_UP)

    def set_up(self):
        return "" if self._pin.value() else "its fault output is low"

    def look(self, motor):
        return self.set_up()

    def ask(self, motor, plunger_steps, waits):
        return True
