"""Screw and syringe: where the nut stands after so many microsteps, and how much that displaces.

From the metal and not from the firmware's table. Knows no forces: what the plunger makes of the nut is plunger.py's.
"""

import math
from dataclasses import dataclass, field


@dataclass
class Drive:
    """bore_mm: true inner diameter of the barrel. lead_mm: advance a turn. steps_per_turn: microsteps.

    lead_error_ppm: how much longer the true lead is. pitch_error_um: amplitude of the screw's error over a turn, which
    returns with each turn; pitch_phase_turn: where in the turn it begins.
    microstep_error_um: amplitude of the rotor's error between two full steps, as advance of the nut;
    microstep_phase: where in the full step it begins, 0 to 1. step_um: mean advance of a microstep.
    _errors_um: by how much the nut is ahead at each microstep of a turn; 0 where counting begins.
    """

    bore_mm: float
    lead_mm: float
    steps_per_turn: int
    full_steps_per_turn: int = 200
    lead_error_ppm: float = 0.0
    pitch_error_um: float = 0.0
    pitch_phase_turn: float = 0.0
    microstep_error_um: float = 0.0
    microstep_phase: float = 0.0
    step_um: float = field(init=False)
    _errors_um: list[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.step_um = 1000 * self.lead_mm * (1 + 1e-6 * self.lead_error_ppm) / self.steps_per_turn
        swings_um = [self._swing_um(step) for step in range(self.steps_per_turn)]
        self._errors_um = [swing_um - swings_um[0] for swing_um in swings_um]

    @property
    def area_mm2(self) -> float:
        return math.pi / 4 * self.bore_mm**2

    @property
    def step_ul(self) -> float:
        """Displaced by one microstep in the mean over whole turns; 1 mm^3 is 1 uL."""
        return self.area_mm2 * self.step_um / 1000

    def _swing_um(self, step: int) -> float:
        turn = step / self.steps_per_turn
        pitch = math.sin(2 * math.pi * (turn + self.pitch_phase_turn))
        between = math.sin(2 * math.pi * (turn * self.full_steps_per_turn + self.microstep_phase))
        return self.pitch_error_um * pitch + self.microstep_error_um * between

    def position_um(self, index: int) -> float:
        """Where the nut stands after `index` microsteps forward (negative: backward)."""
        return self.step_um * index + self._errors_um[index % self.steps_per_turn]

    def displacement_ul(self, index: int) -> float:
        """What a plunger that follows the nut has displaced after `index` microsteps."""
        return self.area_mm2 * self.position_um(index) / 1000
