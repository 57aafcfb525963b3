"""The client of a real pump that keeps to what its bench file allows, whatever a test asks for.

What is beyond raises InstrumentMissing: this bench cannot do it, so the test is skipped and says why.
"""

from collections.abc import Sequence
from typing import Any

import serial

from hil.benchfile import BenchFile
from hil.boards import board_data
from hil.instruments.errors import InstrumentMissing
from titrate.client import Overrides, Pump

NL_PER_ML = 10**6
PL_PER_ML = 10**9
MS_PER_H = 3_600_000


class GuardedPump(Pump):
    """motion: whether the motor may turn at all. given_ml: what programs and boluses of this client may come to."""

    def __init__(self, port: serial.SerialBase, bench: BenchFile, motion: bool) -> None:
        self._bench = bench
        self._motion = motion
        self._levels_pa: Sequence[int] = board_data(bench.pump.board).OCCLUSION_PA
        self.given_ml = 0.0
        super().__init__(port)

    def _lacks(self, what: str) -> InstrumentMissing:
        return InstrumentMissing(f'bench "{self._bench.name}"', what)

    def _may_move(self) -> None:
        if not self._motion:
            raise self._lacks("nothing moves on a real bench without --motion")
        limit_kpa = self._bench.limits.pressure_kpa
        level = self.settings()["occlusion_level"]
        if self._levels_pa[level] > limit_kpa * 1000:
            kpa = self._levels_pa[level] / 1000
            raise self._lacks(f"it bears {limit_kpa:g} kPa, and the pump's occlusion limit is set to {kpa:g} kPa")

    def _within(self, ml_h: float, ml: float) -> None:
        limits = self._bench.limits
        if ml_h > limits.rate_ml_h:
            raise self._lacks(f"{ml_h:g} mL/h is asked for; its limit is {limits.rate_ml_h:g} mL/h")
        if self.given_ml + ml > limits.volume_ml:
            raise self._lacks(f"{self.given_ml + ml:g} mL is asked for; its limit is {limits.volume_ml:g} mL")
        self.given_ml += ml

    def syringe(self, syringe: str, fill_nl: int) -> dict[str, Any]:
        if syringe != self._bench.syringe:
            raise self._lacks(f"a {self._bench.syringe} is fitted, and {syringe} is asked for")
        return super().syringe(syringe, fill_nl)

    def load(self, header: dict[str, Any], phases: list[list[Any]]) -> str:
        fastest_ml_h = max((max(rates) for _, _, *rates in phases), default=0) / PL_PER_ML
        total_pl = 0.0
        for _, duration_ms, begin, end, *bounds in phases:  # within its bounds a rate may be adjusted
            total_pl += max([(begin + end) / 2, *bounds]) * duration_ms / MS_PER_H
        self._within(fastest_ml_h, total_pl / PL_PER_ML)
        return super().load(header, phases)

    def bolus(self, volume_nl: int, duration_ms: int, overrides: Overrides = ()) -> int:
        self._may_move()
        self._within(volume_nl / NL_PER_ML / max(duration_ms, 1) * MS_PER_H, volume_nl / NL_PER_ML)
        return super().bolus(volume_nl, duration_ms, overrides)

    def adjust(self, rate_pl_h: int, overrides: Overrides = ()) -> None:
        self._within(rate_pl_h / PL_PER_ML, 0)
        super().adjust(rate_pl_h, overrides)

    def start(self) -> None:
        self._may_move()
        super().start()

    def resume(self) -> None:
        self._may_move()
        super().resume()
