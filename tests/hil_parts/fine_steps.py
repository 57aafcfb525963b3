"""The plant once more, as slowly as can be: small steps of time and of the plunger, no formula that the plant uses.

Pressure in kPa, volumes in uL, lengths in um, forces in N, times in s.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

ATMOSPHERE_KPA = 101.325


@dataclass
class Slow:
    """Compliance and gas behind a resistance and beside a leak; in front a plunger with spring, play and friction."""

    compliance: float
    resistance: float
    outside: float = 0.0
    gas: float = 0.0
    area_mm2: float = 0.0
    stiffness_n_um: float = math.inf
    backlash_um: float = 0.0
    breakaway_n: float = 0.0
    sliding_n: float = 0.0
    leak: float = math.inf
    pressure: float = 0.0
    delivered: float = 0.0
    spilled: float = 0.0
    nut_um: float = 0.0
    plunger_um: float = 0.0
    lost_uj: float = 0.0
    friction_uj: float = 0.0

    def elasticity(self, pressure: float) -> float:
        return self.compliance + self.gas * ATMOSPHERE_KPA / (ATMOSPHERE_KPA + pressure) ** 2

    def slope(self, pressure: float) -> float:
        flow = (pressure - self.outside) / self.resistance + pressure / self.leak
        return -flow / self.elasticity(pressure)

    def relax(self, dt: float) -> None:
        """One step of Runge and Kutta's fourth order; outflow and loss by Simpson's rule."""
        p = self.pressure
        k1 = self.slope(p)
        k2 = self.slope(p + dt / 2 * k1)
        k3 = self.slope(p + dt / 2 * k2)
        k4 = self.slope(p + dt * k3)
        end = p + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        middle = p + dt / 24 * (5 * k1 + 4 * k2 + 4 * k3 - k4)
        flows = [(x - self.outside) / self.resistance for x in (p, middle, end)]
        self.delivered += dt / 6 * (flows[0] + 4 * flows[1] + flows[2])
        self.spilled += dt / 6 * (p + 4 * middle + end) / self.leak
        self.lost_uj += dt / 6 * self.resistance * (flows[0] ** 2 + 4 * flows[1] ** 2 + flows[2] ** 2)
        self.pressure = end

    def push(self, volume: float, pieces: int = 1000) -> float:
        """Adds a volume in small pieces; the work that it took, in uJ."""
        work = 0.0
        for _ in range(pieces):
            begin = self.pressure
            half = begin + volume / pieces / 2 / self.elasticity(begin)
            self.pressure = begin + volume / pieces / self.elasticity(half)
            work += (begin + self.pressure) / 2 * volume / pieces
        return work

    # --- the plunger

    def net_n(self) -> float:
        if self.stiffness_n_um == math.inf:
            return 0.0
        gap = self.nut_um - self.plunger_um
        spring = self.stiffness_n_um * (max(gap, 0.0) + min(gap + self.backlash_um, 0.0))
        return spring - self.pressure * self.area_mm2 / 1000

    def settle(self, step_um: float = 1e-4) -> None:
        """Slides in small steps if friction gives way."""
        net = self.net_n()
        if abs(net) <= self.breakaway_n:
            return
        sign = 1 if net > 0 else -1
        while sign * net > self.sliding_n:
            self.plunger_um += sign * step_um
            self.push(sign * step_um * self.area_mm2 / 1000, 1)
            before, net = net, self.net_n()
            self.friction_uj += (before + net) / 2 * sign * step_um
        back = step_um * (self.sliding_n - sign * net) / (sign * (before - net))  # the last step went too far
        self.plunger_um -= sign * back
        self.friction_uj -= self.sliding_n * back
        self.push(-sign * back * self.area_mm2 / 1000, 1)

    def run(self, seconds: float, dt: float) -> None:
        """Time in steps of dt; a crossing within one is found by halving it."""
        for step in pieces(seconds, dt):
            self.settle()
            saved = self.pressure, self.delivered, self.spilled, self.lost_uj
            self.relax(step)
            if abs(self.net_n()) <= self.breakaway_n:
                continue
            low, high = 0.0, step
            while high - low > 1e-12:
                middle = (low + high) / 2
                self.pressure, self.delivered, self.spilled, self.lost_uj = saved
                self.relax(middle)
                low, high = (low, middle) if abs(self.net_n()) > self.breakaway_n else (middle, high)
            self.pressure, self.delivered, self.spilled, self.lost_uj = saved
            self.relax(high)
            self.settle()
            self.relax(step - high)


def pieces(seconds: float, dt: float) -> Iterator[float]:
    count = max(math.ceil(seconds / dt - 1e-9), 1)
    yield from (seconds / count for _ in range(count))
