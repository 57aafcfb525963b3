"""What a simulated balance weighs: the plant's outlet in a vessel, as a real pan would show it.

Drops or a submerged needle, evaporation, drift, the slow answer of the weighing cell, noise, digits, an end of range.
Time is the clock's, so it runs as fast as the pump's.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

DENSITY_G_ML = 0.998


@dataclass(frozen=True)
class PanData:
    """Of an analytical balance of 0.1 mg with a submerged needle; (m) from memory of data sheets, (a) assumed.

    readability_g: last digit. noise_g: standard deviation of a reading, about a digit (m). drift_g_h: of the zero (m).
    evaporation_g_h: out of a covered vessel (m: some mg/h; a tenth of a gram from an open beaker).
    settling_s: time constant of the cell and its filter, 0.5 (m). rest_g_s: below so fast a change it says at rest.
    drop_ul: 50 from a bare needle (m: 20 drops a mL); 0 where its tip is under the surface, as it should be.
    capacity_g, vessel_g: end of range and what stands on the pan.
    """

    readability_g: float = 0.0001
    noise_g: float = 0.0001
    drift_g_h: float = 0.0005
    evaporation_g_h: float = 0.003
    settling_s: float = 0.5
    rest_g_s: float = 0.0005
    drop_ul: float = 0.0
    capacity_g: float = 220.0
    vessel_g: float = 40.0


class Pan:
    """delivered_ul, clock: what the plant has delivered by now, and when that is in s. extra_g: what a hand puts on."""

    def __init__(
        self,
        delivered_ul: Callable[[], float],
        clock: Callable[[], float],
        data: PanData | None = None,
        seed: int = 0,
    ) -> None:
        self.data = data or PanData()
        self.extra_g = 0.0
        self._delivered_ul = delivered_ul
        self._clock = clock
        self._random = random.Random(seed)
        self._begin_s = self._at_s = clock()
        self._load_g = self._shown_g = self._true_g()
        self._rate_g_s = 0.0
        self._tare_g = 0.0

    def _true_g(self) -> float:
        delivered_ul = self._delivered_ul()
        if self.data.drop_ul:
            delivered_ul = math.floor(delivered_ul / self.data.drop_ul) * self.data.drop_ul
        hours = (self._clock() - self._begin_s) / 3600
        gone_g = self.data.evaporation_g_h * hours
        return self.data.vessel_g + self.extra_g + delivered_ul / 1000 * DENSITY_G_ML - gone_g

    def _settle(self) -> None:
        """Follows the load as a first-order filter does, as if it had changed evenly since it was last looked at."""
        now_s, load_g = self._clock(), self._true_g()
        passed_s, tau_s = now_s - self._at_s, self.data.settling_s
        if passed_s > 0:
            slope = (load_g - self._load_g) / passed_s
            lag_g = self._shown_g - self._load_g + slope * tau_s
            fades = math.exp(-passed_s / tau_s)
            self._shown_g = load_g - slope * tau_s + lag_g * fades
            self._rate_g_s = slope - lag_g / tau_s * fades
        elif load_g != self._load_g:
            self._rate_g_s = (load_g - self._load_g) / tau_s
        self._at_s, self._load_g = now_s, load_g

    @property
    def beyond(self) -> int:
        """1 above, -1 below the range, else 0."""
        self._settle()
        return (self._shown_g > self.data.capacity_g) - (self._shown_g < -self.data.capacity_g / 100)

    @property
    def stable(self) -> bool:
        self._settle()
        return abs(self._rate_g_s) <= self.data.rest_g_s

    def grams(self) -> float:
        """Net, in whole digits."""
        self._settle()
        drift_g = self.data.drift_g_h * (self._at_s - self._begin_s) / 3600
        value_g = self._shown_g + drift_g + self._random.gauss(0, self.data.noise_g) - self._tare_g
        return round(value_g / self.data.readability_g) * self.data.readability_g

    def tare(self) -> None:
        self._tare_g = 0.0
        self._tare_g = self.grams()
