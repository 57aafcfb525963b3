"""The pumps that a plan can be made for without one at hand: gear and limits of each board.

Boards are defined in boards/<name>/board.py, which an installed package does not have. A test holds the two equal.
"""

from dataclasses import dataclass
from fractions import Fraction

from pump.core import syringes, units
from titrate.errors import ProtocolError


@dataclass(frozen=True)
class Board:
    """A screw, a motor, and what they are let do."""

    name: str
    lead_um: int
    steps_per_turn: int
    most_steps_per_s: int
    most_nl_h: int

    def step_ml(self, syringe: str) -> Fraction:
        """Volume of one microstep with a syringe."""
        return Fraction(*syringes.step_volume_pl(syringe, self.lead_um, self.steps_per_turn)) / units.PL_PER_ML

    def most_ml_h(self, syringe: str) -> Fraction:
        """The fastest flow with a syringe: what the motor makes or the board allows, whichever is less."""
        by_motor = self.step_ml(syringe) * self.most_steps_per_s * units.S_PER_H
        return min(by_motor, Fraction(self.most_nl_h, units.NL_PER_ML))


_STANDARD = (2000, 3200, 2500, 1_200_000_000)  # firmware/pump/standard.py
BOARDS = {name: Board(name, *_STANDARD) for name in ("pico", "pico2")}


def board_of(name: str) -> Board:
    """The board of that name. Raises ProtocolError."""
    if name not in BOARDS:
        raise ProtocolError("--board", name, f"one of {', '.join(BOARDS)}")
    return BOARDS[name]
