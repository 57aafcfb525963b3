"""Syringe and line as an elastic volume behind a resistance, with a clamp at the outlet.

    C dp/dt = displaced flow - (p - back pressure) / R

Displacement comes in steps, so between two events pressure relaxes exponentially and the outflow is exactly
C times its fall: no integration error, however long the gap.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class LineData:
    """Elasticity and resistance of syringe, line and needle.

    compliance_ul_kpa: 10 uL/kPa is about 1 mL/bar, the order published for 50 mL syringes with a rubber stopper.
    resistance_kpa_s_ul: 0.2 is a 1.5 m line of 1 mm bore (0.06, Hagen-Poiseuille, water) plus a fine needle.
    """

    compliance_ul_kpa: float = 10.0
    resistance_kpa_s_ul: float = 0.2
    back_pressure_kpa: float = 0.0


class Line:
    """State of the line at `at_us`: pressure_kpa at the syringe's outlet, delivered_ul out of the open end."""

    def __init__(self, data: LineData | None = None, at_us: int = 0) -> None:
        self.data = data or LineData()
        self.at_us = at_us
        self.pressure_kpa = self.data.back_pressure_kpa
        self.delivered_ul = 0.0
        self.displaced_ul = 0.0
        self.spilled_ul = 0.0  # lost at the pump's end
        self.clamped = False
        self._tau_us = self.data.resistance_kpa_s_ul * self.data.compliance_ul_kpa * 1e6

    @property
    def stored_ul(self) -> float:
        """Volume held by elasticity: displaced = delivered + stored + spilled, always."""
        return (self.pressure_kpa - self.data.back_pressure_kpa) * self.data.compliance_ul_kpa

    def advance(self, at_us: int) -> None:
        """Lets the line relax until at_us."""
        elapsed_us = at_us - self.at_us
        if elapsed_us <= 0:
            return
        self.at_us = at_us
        if self.clamped:
            return
        over_kpa = self.pressure_kpa - self.data.back_pressure_kpa
        fall_kpa = -over_kpa * math.expm1(-elapsed_us / self._tau_us)
        self.pressure_kpa -= fall_kpa
        self.delivered_ul += fall_kpa * self.data.compliance_ul_kpa

    def displace(self, at_us: int, volume_ul: float) -> None:
        """The plunger pushes volume_ul into the line at at_us."""
        self.advance(at_us)
        self.pressure_kpa += volume_ul / self.data.compliance_ul_kpa
        self.displaced_ul += volume_ul

    def open_inlet(self, at_us: int) -> None:
        """The line comes off at the pump's end: pressure is gone at once, and what was stored spills there."""
        self.advance(at_us)
        self.spilled_ul += self.stored_ul
        self.pressure_kpa = self.data.back_pressure_kpa

    def clamp(self, at_us: int, closed: bool) -> None:
        """Closes or opens the clamp at the outlet."""
        self.advance(at_us)
        self.clamped = closed
