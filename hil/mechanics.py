"""The bench's hardware around the chip: motor pulses move the plunger, the plunger fills the line.

Shared by the simulated and the emulated target, which both call `step` for every pulse at the pin. What the metal does
wrong is the plant's (`hil.plant.data`); here is where syringe, holder and line come together.
"""

from array import array
from dataclasses import replace

from hil.boards import board_data
from hil.plant.data import IDEAL, PlantData
from hil.plant.line import Line
from pump.core.syringes import BORE_UM, NOMINAL_NL, RESERVE_NL, SYRINGES

LINE_UL = 1200.0  # between detector and open end: 1.5 m of 1 mm bore


class Mechanics:
    """steps: forward minus backward pulses. step_times_us: when each happened.

    idle_pulses: how many of them came while the motor driver was off.
    enabled_us: when the motor driver was turned on. last_forward_us: the last step that pushed.
    line: pressure and outflow. left_ul: what the plunger can still displace.
    plant: what screw, syringe and line are like; seed: of the stopper's friction.

    fitted: whether there is a syringe in the holder. passed_ul: what the line has taken in at the detector, which sits
    where line and syringe meet. All that leaves the open end counts as delivered; `delivered_air_ul` says
    how much of it was air. A bubble takes the place of as much drug, and is no spring."""

    def __init__(self, syringe: str, plant: PlantData = IDEAL, board: str = "pico", seed: int = 0) -> None:
        data = board_data(board)
        self.syringe = syringe
        self.plant = plant
        self._gear = data.LEAD_UM / 1000, data.STEPS_PER_TURN, data.FULL_STEPS_PER_TURN
        bore_mm = SYRINGES[syringe][BORE_UM] / 1000
        self.drive = plant.drive(bore_mm, *self._gear)
        self.line = Line(plant.line(bore_mm))
        self.plunger = plant.plunger(self.drive, self.line, seed)
        self.steps = 0
        self.step_times_us = array("q")
        self.idle_pulses = 0
        self.enabled_us = array("q")
        self.last_forward_us = 0
        self.fitted = True
        self.line_is_off = False
        self._bubbles: list[tuple[float, float]] = []  # where each begins and ends, in passed_ul
        self._pressures: list[tuple[int, float]] = []  # (time, kPa) at each forward step since the clamp was closed
        self.fit_syringe()

    @property
    def left_ul(self) -> float:
        return self.plunger.left_ul

    @property
    def passed_ul(self) -> float:
        return self.line.displaced_ul - self.line.spilled_ul

    def fit_barrel(self, bore_error_percent: float) -> None:
        """A full syringe of the same model, whose barrel is so much wider than the table says."""
        self.plant = replace(self.plant, bore_error_percent=bore_error_percent)
        self.drive = self.plant.drive(SYRINGES[self.syringe][BORE_UM] / 1000, *self._gear)
        self.plunger.use(self.drive)
        self.fit_syringe()

    def fit_syringe(self) -> None:
        """A full syringe, with its reserve; the line stays as it is."""
        self.plunger.left_ul = (SYRINGES[self.syringe][NOMINAL_NL] + RESERVE_NL) / 1000
        self.put_back()

    def remove_syringe(self, at_us: int) -> None:
        """Out of its holder: the motor moves nothing, and the line is open at that end."""
        self.fitted = False
        self.plunger.release()
        self.line.open_inlet(at_us)

    def put_back(self) -> None:
        """The same syringe, as full as it was; its rod stands against the nut."""
        self.fitted = True
        self.plunger.seat()

    def line_off(self, at_us: int, off: bool) -> None:
        """The line comes off the syringe: what is pushed is spilled, at no pressure; or it is put on again."""
        self.line_is_off = off
        if off:
            self.line.open_inlet(at_us, True)
        else:
            self.line.close_inlet(at_us)

    def add_air(self, ul: float) -> None:
        """A bubble at the detector, behind those that have not passed it yet."""
        begin_ul = max([self.passed_ul, *(end_ul for _, end_ul in self._bubbles)])
        self._bubbles.append((begin_ul, begin_ul + ul))

    def clear_air(self) -> None:
        """The line is filled with drug from end to end."""
        self._bubbles.clear()

    @property
    def air_at_detector(self) -> bool:
        if not self._bubbles:
            return False
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
        if direction:
            self.plunger.step(at_us, direction)
            if self.line.clamped and direction > 0:
                self._pressures.append((at_us, self.line.pressure_kpa))
        else:
            self.idle_pulses += 1

    def crossed_us(self, kpa: float) -> int:
        """When pressure first rose above kpa behind a closed clamp."""
        return next(at_us for at_us, pressure in self._pressures if pressure > kpa)

    def pressure_kpa(self, at_us: int) -> float:
        self.line.advance(at_us)
        return self.line.pressure_kpa

    def force_n(self, at_us: int) -> float:
        """With which the nut pushes."""
        self.line.advance(at_us)
        return self.plunger.force_n

    def delivered_ul(self, at_us: int) -> float:
        self.line.advance(at_us)
        return self.line.delivered_ul

    def delivered_air_ul(self, at_us: int) -> float:
        """Of what left the open end."""
        at_end_ul = self.delivered_ul(at_us) - LINE_UL
        return sum(min(max(at_end_ul - begin_ul, 0.0), end_ul - begin_ul) for begin_ul, end_ul in self._bubbles)
