"""A figure of a run: what was measured, what is allowed, and by how much it holds. With units, target and origin.

The report, results.json and the tests read the same figures, so that they cannot say different things.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

MARGINAL = 0.2  # of the way from target to limit; what lies nearer to the limit passes and is marked


@dataclass(frozen=True)
class Figure:
    """name: what was measured. value: in `unit`; NaN where it could not be had. low, high: limits, in the same unit.

    requirement: its id, or "". simulated: the value comes from a simulated plant or instrument. test: who measured it.
    """

    name: str
    value: float
    unit: str
    low: float = -math.inf
    high: float = math.inf
    simulated: bool = True
    target: str = ""
    requirement: str = ""
    test: str = ""

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"{self.name}: the lower limit {self.low:g} is above the upper {self.high:g}")

    @property
    def margin(self) -> float:
        """Distance to the nearer limit, in the figure's unit; negative outside, infinite without limits."""
        return min(self.value - self.low, self.high - self.value)

    @property
    def verdict(self) -> str:
        """pass, marginal, fail, or "no limit"; a value that could not be had fails where there is a limit."""
        if math.isinf(self.low) and math.isinf(self.high):
            return "no limit"
        if math.isnan(self.value) or self.margin < 0:
            return "fail"
        if math.isfinite(self.low) and math.isfinite(self.high):
            room = (self.high - self.low) / 2
        else:
            room = abs(self.high if math.isfinite(self.high) else self.low)
        return "marginal" if self.margin < MARGINAL * room else "pass"

    @property
    def limit(self) -> str:
        """The limits in words, without the unit."""
        if math.isinf(self.low) and math.isinf(self.high):
            return "none"
        if math.isinf(self.low):
            return f"at most {self.high:g}"
        if math.isinf(self.high):
            return f"at least {self.low:g}"
        return f"±{self.high:g}" if self.low == -self.high else f"{self.low:g} to {self.high:g}"

    @property
    def origin(self) -> str:
        return "simulated" if self.simulated else "measured"

    def record(self) -> dict[str, Any]:
        """For results.json: infinities and NaN, which JSON does not have, as null."""
        values = asdict(self) | {"margin": self.margin, "verdict": self.verdict}
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in values.items()
        }
