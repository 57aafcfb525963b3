"""Screw and syringe: how much a microstep of the motor displaces, from the metal and not from the firmware's table."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Drive:
    """bore_mm: true inner diameter of the barrel. lead_mm: advance a turn. steps_per_turn: microsteps."""

    bore_mm: float
    lead_mm: float
    steps_per_turn: int

    @property
    def step_ul(self) -> float:
        """Displaced by one microstep; 1 mm^3 is 1 uL."""
        return math.pi / 4 * self.bore_mm**2 * self.lead_mm / self.steps_per_turn
