"""The bench's hardware around the chip: motor pulses move the plunger, the plunger fills the line.

Shared by the simulated and the emulated target, which both call `step` for every pulse at the pin.
"""

from array import array

from hil.boards import board_data
from hil.plant.drive import Drive
from hil.plant.line import Line, LineData
from pump.core.syringes import BORE_UM, NOMINAL_NL, RESERVE_NL, SYRINGES

LINE_UL = 1200.0  # between detector and open end: 1.5 m of 1 mm bore


class Mechanics:
    """steps: forward minus backward pulses. step_times_us: when each happened.

    enabled_us: when the motor driver was turned on. last_forward_us: the last step that pushed.
    line: pressure and outflow. left_ul: what the plunger can still displace.

    fitted: whether there is a syringe in the holder. passed_ul: what the line has taken in at the detector, which sits
    where line and syringe meet. All that leaves the open end counts as delivered; `delivered_air_ul` says
    how much of it was air. A bubble takes the place of as much drug, and is no spring."""

    def __init__(self, syringe: str, line: LineData | None = None, board: str = "pico") -> None:
        data = board_data(board)
        self.syringe = syringe
        self.drive = Drive(SYRINGES[syringe][BORE_UM] / 1000, data.LEAD_UM / 1000, data.STEPS_PER_TURN)
        self.line = Line(line)
        self.steps = 0
        self.step_times_us = array("q")
        self.enabled_us = array("q")
        self.last_forward_us = 0
        self.fitted = True
        self.line_is_off = False
        self.passed_ul = 0.0
        self._bubbles: list[tuple[float, float]] = []  # where each begins and ends, in passed_ul
        self._pressures: list[tuple[int, float]] = []  # (time, kPa) at each forward step since the clamp was closed
        self._step_ul = self.drive.step_ul
        self.fit_syringe()

    def fit_syringe(self) -> None:
        """A full syringe, with its reserve; the line stays as it is."""
        self.left_ul = (SYRINGES[self.syringe][NOMINAL_NL] + RESERVE_NL) / 1000
        self.fitted = True

    def remove_syringe(self, at_us: int) -> None:
        """Out of its holder: the motor moves nothing, and the line is open at that end."""
        self.fitted = False
        self._open_inlet(at_us, False)

    def put_back(self) -> None:
        """The same syringe, as full as it was."""
        self.fitted = True

    def line_off(self, at_us: int, off: bool) -> None:
        """The line comes off the syringe: what is pushed is spilled, at no pressure; or it is put on again."""
        self.line_is_off = off
        if off:
            self._open_inlet(at_us, True)
        else:
            self.line.close_inlet(at_us)

    def _open_inlet(self, at_us: int, stays: bool) -> None:
        before_ul = self.line.spilled_ul
        self.line.open_inlet(at_us, stays)
        self.passed_ul -= self.line.spilled_ul - before_ul

    def add_air(self, ul: float) -> None:
        """A bubble at the detector, behind those that have not passed it yet."""
        begin_ul = max([self.passed_ul, *(end_ul for _, end_ul in self._bubbles)])
        self._bubbles.append((begin_ul, begin_ul + ul))

    def clear_air(self) -> None:
        """The line is filled with drug from end to end."""
        self._bubbles.clear()

    @property
    def air_at_detector(self) -> bool:
        passed_ul = self.passed_ul
        return any(begin_ul <= passed_ul < end_ul for begin_ul, end_ul in self._bubbles)

    def enable(self, at_us: int) -> None:
        """The motor driver is turned on."""
        self.enabled_us.append(at_us)

    def step(self, at_us: int, direction: int) -> None:
        """One pulse; direction 0: the driver is disabled and nothing moves."""
        self.steps += direction
        if direction > 0:
            self.last_forward_us = at_us
        self.step_times_us.append(at_us)
        if not (self.fitted and self.left_ul > 0):  # at the end of its travel the plunger stands and the motor stalls
            return
        if direction:
            pushed_ul = direction * self._step_ul
            self.left_ul -= pushed_ul
            if not self.line_is_off:
                self.passed_ul += pushed_ul
            self.line.displace(at_us, pushed_ul)
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

    def delivered_air_ul(self, at_us: int) -> float:
        """Of what left the open end."""
        at_end_ul = self.delivered_ul(at_us) - LINE_UL
        return sum(min(max(at_end_ul - begin_ul, 0.0), end_ul - begin_ul) for begin_ul, end_ul in self._bubbles)
