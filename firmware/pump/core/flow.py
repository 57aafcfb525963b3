"""Compares the pulses that were counted with the programmed rate, independently of the planner.

The volume that was to flow is integrated here from the rate, exactly. What is beyond the tolerance is summed up for as
long as there is any (a one-sided cumulative sum): a flow within its tolerance takes the sum back to nothing, one
outside makes it grow. The sum raises its condition when it is more than sampling can feign and has stood for the
hold-off time.

Sampling can feign: ALLOWED_STEPS, because planner and counter each are within a step of the law; SLACK_MS of flow,
because pulses and rate are not read at one instant; and a look's worth of every change of rate. So a wrong flow is
found within the hold-off and (4 steps + 0.9 s of flow) / (what is beyond the tolerance, per second) + 2 s.

It runs once a second behind the tick, and may allocate. It stops nothing and knows no state.
"""

from pump.core.units import MS_PER_H, MS_PER_S, PL_PER_NL

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Any, Final

OVER, UNDER = 1, 2
BASAL, ON_DEMAND, TIMED = 0, 1, 2  # SR-ACC-03 and SR-ACC-07, SR-ACC-05 and SR-ACC-08, SR-ACC-06 and SR-ACC-09

ALLOWED_STEPS: "Final" = 2
SLACK_MS: "Final" = 450  # 245 ms that the generator holds, and 100 ms of jitter at either end of a stretch


class Drift:
    """What is beyond the tolerance in one direction. Volumes in any one unit."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._sum = 0
        self._since_ms = 0
        self._active = False

    def update(self, beyond: int, elapsed_ms: int, hold_ms: int, feigned: int, most: int) -> bool:
        """beyond: in this look; negative while within the tolerance. feigned: what sampling explains.

        most: beyond which there is no hold-off, for that much is tolerated in a whole one (SR-ACC-04).
        """
        self._sum += beyond
        if self._sum <= 0:
            self.reset()
            return False
        self._since_ms += elapsed_ms
        if self._sum > feigned and (self._since_ms > hold_ms or self._sum > feigned + most):
            self._active = True
        if self._active:
            self._sum = min(self._sum, feigned)  # so that a flow that is right again is believed after a while
        return self._active


class Flow:
    """percent: tolerance; for a basal rate floor_nl_h where that is less, up to and including percent_above_nl_h.

    basal_s, on_demand_s, timed_s: hold-off times. step_volume: (pL, divisor) of the fitted syringe; set it before use.
    """

    def __init__(
        self,
        percent: int,
        floor_nl_h: int,
        basal_s: int,
        on_demand_s: int,
        timed_s: int,
        percent_above_nl_h: int = 10000000,
    ) -> None:
        self._percent = percent
        self._floor_pl_h = floor_nl_h * PL_PER_NL
        self._percent_above_pl_h = percent_above_nl_h * PL_PER_NL
        self._hold_ms = (basal_s * MS_PER_S, on_demand_s * MS_PER_S, timed_s * MS_PER_S)  # by kind
        self.step_volume: Any = None
        self._over = Drift()
        self._under = Drift()
        self.reset()

    def reset(self) -> None:
        """Begins anew: the motor was started, or another phase or kind begins."""
        self._over.reset()
        self._under.reset()
        self._rate_pl_h: "int | None" = None  # of the last look
        self._changed = 0  # volume that changes of the rate may have been misjudged by
        self._still = 0  # volume that was to flow since the last step

    def update(self, elapsed_ms: int, rate_pl_h: int, steps: int, kind: int) -> int:
        """Once a second. rate_pl_h: programmed, the mean of elapsed_ms; steps: counted in it. OVER and UNDER, or-ed.

        Volumes are exact here: in pL / (divisor x ms in an hour).
        """
        pl, divisor = self.step_volume
        step = pl * MS_PER_H
        ms = elapsed_ms * divisor
        expected = rate_pl_h * ms
        counted = steps * step
        tolerance_pl_h = self._tolerance_pl_h(rate_pl_h, kind)
        if self._rate_pl_h is None:
            self._rate_pl_h = self._fastest_pl_h = rate_pl_h
        self._changed += abs(rate_pl_h - self._rate_pl_h) * ms
        self._rate_pl_h = rate_pl_h
        self._fastest_pl_h = max(self._fastest_pl_h, rate_pl_h)
        feigned = ALLOWED_STEPS * step + self._fastest_pl_h * SLACK_MS * divisor + self._changed
        hold_ms = self._hold_ms[kind]
        most = tolerance_pl_h * hold_ms * divisor
        beyond = counted - expected
        tolerated = tolerance_pl_h * ms
        found = 0
        if self._over.update(beyond - tolerated, elapsed_ms, hold_ms, feigned, most):
            found = OVER
        if self._under.update(-beyond - tolerated, elapsed_ms, hold_ms, feigned, most):
            found |= UNDER
        self._still = 0 if steps else self._still + expected
        if self._still > feigned:  # motion has ceased: no hold-off (SR-ACC-10)
            found |= UNDER
        return found

    def _tolerance_pl_h(self, rate_pl_h: int, kind: int) -> int:
        tolerance_pl_h = rate_pl_h * self._percent // 100
        if kind == BASAL and rate_pl_h <= self._percent_above_pl_h:
            return min(tolerance_pl_h, self._floor_pl_h)
        return tolerance_pl_h
