"""The bench's hardware around the chip: motor pulses move the plunger, the plunger fills the line.

Shared by the simulated and the emulated target, which both call `step` for every pulse at the pin.
"""

from array import array

from hil.boards import board_data
from hil.plant.drive import Drive
from hil.plant.line import Line, LineData
from pump.core.syringes import BORE_UM, NOMINAL_NL, SYRINGES


class Mechanics:
    """steps: forward minus backward pulses. step_times_us: when each happened.

    enabled_us: when the motor driver was turned on. last_forward_us: the last step that pushed.
    line: pressure and outflow.

    left_ul: what the plunger can still displace."""

    def __init__(self, syringe: str, line: LineData | None = None, board: str = "pico") -> None:
        data = board_data(board)
        self.syringe = syringe
        self.drive = Drive(SYRINGES[syringe][BORE_UM] / 1000, data.LEAD_UM / 1000, data.STEPS_PER_TURN)
        self.line = Line(line)
        self.steps = 0
        self.step_times_us = array("q")
        self.enabled_us = array("q")
        self.last_forward_us = 0
        self._pressures: list[tuple[int, float]] = []  # (time, kPa) at each forward step since the clamp was closed
        self._step_ul = self.drive.step_ul
        self.fit_syringe()

    def fit_syringe(self) -> None:
        """A full syringe; the line stays as it is."""
        self.left_ul = SYRINGES[self.syringe][NOMINAL_NL] / 1000

    def enable(self, at_us: int) -> None:
        """The motor driver is turned on."""
        self.enabled_us.append(at_us)

    def step(self, at_us: int, direction: int) -> None:
        """One pulse; direction 0: the driver is disabled and nothing moves."""
        self.steps += direction
        if direction > 0:
            self.last_forward_us = at_us
        self.step_times_us.append(at_us)
        if direction and self.left_ul > 0:  # at the end of its travel the plunger stands and the motor stalls
            self.left_ul -= direction * self._step_ul
            self.line.displace(at_us, direction * self._step_ul)
            if self.line.clamped:
                self._pressures.append((at_us, self.line.pressure_kpa))

    def crossed_us(self, kpa: float) -> int:
        """When pressure first rose above kpa behind a closed clamp."""
        return next(at_us for at_us, pressure in self._pressures if pressure > kpa)

    def pressure_kpa(self, at_us: int) -> float:
        self.line.advance(at_us)
        return self.line.pressure_kpa

    def delivered_ul(self, at_us: int) -> float:
        self.line.advance(at_us)
        return self.line.delivered_ul
