"""Twin of drivers/annunciator_pwm.py: writes down what buzzer and lights show, and when."""

from hil.devices.clock import Clock

ALL_LIGHTS = 7


class Annunciator:
    """edges: (device time in us, tone_hz, lights) of each change. tone_hz, lights: what is shown now.

    low_lights: those that shine at a low level, and so by themselves while no program runs.
    broken_lights: lights whose pads do not follow. silent: the buzzer's pad does not.
    """

    def __init__(self, clock: Clock, low_lights: int = 0) -> None:
        self._clock = clock
        self._low_lights = low_lights
        self.tone_hz = 0
        self.lights = 0
        self.edges: list[tuple[int, int, int]] = []
        self.broken_lights = 0
        self.silent = False

    def show(self, tone_hz: int, lights: int) -> None:
        if (tone_hz, lights) != (self.tone_hz, self.lights):
            self.tone_hz, self.lights = tone_hz, lights
            self.edges.append((self._clock.now_us, tone_hz, lights))

    def released(self, powered: bool) -> None:
        """No program drives the pins: the chip was reset, or has no power."""
        self.show(0, self._low_lights if powered else 0)

    def lit(self) -> int:
        return self.lights & ~self.broken_lights & ALL_LIGHTS

    def sounding(self) -> bool:
        return self.tone_hz > 0 and not self.silent
