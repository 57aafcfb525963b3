"""The plunger: held by friction, pushed by the nut through play and a spring, pushed back by the pressure.

    spring force(nut - plunger) - pressure * area = friction,   between -breakaway and +breakaway while it stands

Once the friction gives way the plunger leaps to where the force that is left equals the sliding friction, and stands
again. Inertia is left out: a leap takes milliseconds. With a rigid drive there are no leaps, and the plunger follows
the nut through the play.
"""

import math
import random
from dataclasses import dataclass

from hil.plant.drive import Drive
from hil.plant.line import Line

ROUNDING_UM = 1e-7


@dataclass(frozen=True)
class PlungerData:
    """stiffness_n_mm: of rod, stopper, holder and screw; infinite for a rigid drive. backlash_um: play of the nut.

    breakaway_n, sliding_n: friction of the stopper at rest and on the move; of no effect in a rigid drive.
    breakaway_spread: standard deviation of the difference between the two, as a share of it.
    """

    stiffness_n_mm: float = math.inf
    backlash_um: float = 0.0
    breakaway_n: float = 0.0
    sliding_n: float = 0.0
    breakaway_spread: float = 0.0

    def __post_init__(self) -> None:
        if self.stiffness_n_mm < math.inf and not self.breakaway_n > self.sliding_n >= 0:
            raise ValueError("an elastic drive needs breakaway_n > sliding_n >= 0")


class Plunger:
    """One syringe on its drive, in front of a line. steps: microsteps that moved the nut.

    nut_um, position_um: nut and stopper, from where they stood at first. left_ul: what it can still displace; at the
    end of its travel it stands, and the motor stalls. leaps: how often friction gave way.
    motor_uj: work of the nut. friction_uj: what a leap turns into heat. Both are 0 for a rigid drive.
    """

    def __init__(self, drive: Drive, line: Line, data: PlungerData | None = None, seed: int = 0) -> None:
        self.drive = drive
        self.line = line
        self.data = data or PlungerData()
        self.steps = 0
        self.leaps = 0
        self.nut_um = self.position_um = 0.0
        self.left_ul = math.inf
        self.motor_uj = self.friction_uj = 0.0
        self._random = random.Random(seed)
        self._rigid = self.data.stiffness_n_mm == math.inf
        self._stiffness_n_um = self.data.stiffness_n_mm / 1000
        self._area_mm2 = drive.area_mm2
        self._holds_n = self._next_breakaway_n()
        self._held = True
        self.seat()

    def _next_breakaway_n(self) -> float:
        share = self._random.gauss(1.0, self.data.breakaway_spread) if self.data.breakaway_spread else 1.0
        return self.data.sliding_n + max(share, 0.1) * (self.data.breakaway_n - self.data.sliding_n)

    def use(self, drive: Drive) -> None:
        """Another barrel or screw, whose nut stands where this one's does; what was moved before stays moved."""
        self.drive = drive
        self._area_mm2 = drive.area_mm2

    def step(self, at_us: int, direction: int) -> None:
        """One microstep at at_us, forward (1) or backward (-1)."""
        self.line.advance(at_us)
        if direction > 0 and self.left_ul <= 0 and self._held:
            return
        before_um = self.nut_um - self.position_um
        self.steps = steps = self.steps + direction
        self.nut_um = nut_um = self.drive.position_um(steps)
        if not self._held:
            self.position_um = nut_um
            return
        gap_um = nut_um - self.position_um
        if self._rigid:
            if gap_um > 0.0:
                self._move(gap_um)
            elif gap_um < -self.data.backlash_um:
                self._move(gap_um + self.data.backlash_um)
            return
        self.motor_uj += self._spring_uj(gap_um) - self._spring_uj(before_um)  # the stopper stands meanwhile
        net_n = self._spring_n(gap_um) - self._back_n(self.line.pressure_kpa)
        if abs(net_n) > self._holds_n:
            self.give_way(1 if net_n > 0 else -1)

    def release(self) -> None:
        """The syringe is taken out: its spring is spent, and the screw turns without it."""
        self.friction_uj += self._spring_uj(self.nut_um - self.position_um)
        self._held = False
        self.position_um = self.nut_um
        self.line.plunger = None

    def seat(self) -> None:
        """The syringe is in its holder, the rod against the nut and without force."""
        self._held = True
        self.position_um = self.nut_um
        if not self._rigid:
            self.line.plunger = self

    def _move(self, um: float) -> None:
        self.position_um += um
        volume_ul = self._area_mm2 * um / 1000
        self.left_ul -= volume_ul
        self.line.push(volume_ul)

    def _spring_n(self, gap_um: float) -> float:
        if self._rigid:
            return 0.0
        return self._stiffness_n_um * (max(gap_um, 0.0) + min(gap_um + self.data.backlash_um, 0.0))

    def _spring_uj(self, gap_um: float) -> float:
        if self._rigid:
            return 0.0
        return self._stiffness_n_um / 2 * (max(gap_um, 0.0) ** 2 + min(gap_um + self.data.backlash_um, 0.0) ** 2)

    def _back_n(self, kpa: float) -> float:
        return kpa * self._area_mm2 / 1000

    @property
    def force_n(self) -> float:
        """With which the nut pushes: what a load cell under it feels."""
        if not self._held:
            return 0.0
        if self._rigid:
            return self._back_n(self.line.pressure_kpa)
        return self._spring_n(self.nut_um - self.position_um)

    # --- for the line

    def window_kpa(self) -> tuple[float, float]:
        """Below the first it gives way forward, above the second backward."""
        force_n = self._spring_n(self.nut_um - self.position_um)
        per_kpa = self._area_mm2 / 1000
        return (force_n - self._holds_n) / per_kpa, (force_n + self._holds_n) / per_kpa

    def give_way(self, direction: int) -> None:
        """Leaps forward (1) or backward (-1), to where the force that is left equals the sliding friction."""
        gap_um, kpa = self.nut_um - self.position_um, self.line.pressure_kpa
        friction_n = direction * self.data.sliding_n
        end_um = self._gap_after_um(gap_um, kpa, friction_n)
        held_uj = self.line.stored_uj
        self._move(gap_um - end_um)
        self.friction_uj += self._spring_uj(gap_um) - self._spring_uj(end_um) - (self.line.stored_uj - held_uj)
        self.leaps += 1
        self._holds_n = self._next_breakaway_n()

    def _gap_after_um(self, gap_um: float, kpa: float, friction_n: float) -> float:
        """Where nut and stopper come to balance, in whichever part of the spring holds the answer."""
        area, backlash = self._area_mm2, self.data.backlash_um
        for origin_um, low_um, high_um in ((0.0, 0.0, math.inf), (-backlash, -math.inf, -backlash)):
            # Against the spring the line feels the spring's own give beside its own.
            give_ul_kpa = area**2 / self._stiffness_n_um * 1e-6
            volume_ul = area / 1000 * (gap_um - origin_um - friction_n / self._stiffness_n_um) - give_ul_kpa * kpa
            end_kpa = self.line.softened(give_ul_kpa).pressure_with_kpa(kpa, volume_ul)
            end_um = origin_um + (self._back_n(end_kpa) + friction_n) / self._stiffness_n_um
            if low_um - ROUNDING_UM <= end_um <= high_um + ROUNDING_UM:
                return end_um
        end_kpa = -friction_n / (area / 1000)  # in the play: pressure and friction alone
        return gap_um - self.line.softened(0.0).taken_ul(kpa, end_kpa) * 1000 / area
