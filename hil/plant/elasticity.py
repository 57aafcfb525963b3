"""What gives way under pressure: the walls, linearly, and a bubble of gas, isothermally. No time passes here but in
`time_us` and `pressure_after_us`, which know how it empties through a resistance.

    dV = C dp + V_gas P0 / (P0 + p)^2 dp        p: gauge pressure; V_gas: volume of the gas at p = 0
"""

import math
from dataclasses import dataclass

ATMOSPHERE_KPA = 101.325
NEWTON_TURNS = 60
LOWEST_LOG = -600.0  # of an overpressure in kPa that is none any more


@dataclass(frozen=True)
class Elasticity:
    """compliance_ul_kpa: of all walls together. gas_ul: free gas, as it is at gauge pressure 0."""

    compliance_ul_kpa: float
    gas_ul: float = 0.0

    def taken_ul(self, from_kpa: float, to_kpa: float) -> float:
        """Volume that goes in from one gauge pressure to another."""
        walls_ul = self.compliance_ul_kpa * (to_kpa - from_kpa)
        return walls_ul + self.gas_at_ul(from_kpa) - self.gas_at_ul(to_kpa) if self.gas_ul else walls_ul

    def gas_at_ul(self, kpa: float) -> float:
        """Volume of the gas at a gauge pressure, by Boyle's law."""
        return self.gas_ul * ATMOSPHERE_KPA / (ATMOSPHERE_KPA + kpa)

    def stored_uj(self, from_kpa: float, to_kpa: float) -> float:
        """Work done on walls and gas from one pressure to another; 1 kPa uL is 1 uJ."""
        walls_uj = self.compliance_ul_kpa * (to_kpa**2 - from_kpa**2) / 2
        begin, end = ATMOSPHERE_KPA + from_kpa, ATMOSPHERE_KPA + to_kpa
        gas_uj = self.gas_ul * ATMOSPHERE_KPA * (math.log(end / begin) + ATMOSPHERE_KPA * (1 / end - 1 / begin))
        return walls_uj + gas_uj

    def pressure_with_kpa(self, kpa: float, volume_ul: float) -> float:
        """Gauge pressure after volume_ul has been added at kpa; negative to take away."""
        if not self.gas_ul:
            return kpa + volume_ul / self.compliance_ul_kpa
        begin = ATMOSPHERE_KPA + kpa
        product = self.gas_ul * ATMOSPHERE_KPA
        half = (product / begin - self.compliance_ul_kpa * begin - volume_ul) / 2
        # Of the two ways to write the positive root, the one that does not take a difference of like numbers.
        root = math.sqrt(half * half + self.compliance_ul_kpa * product)
        end = (root - half) / self.compliance_ul_kpa if half < 0 else product / (root + half)
        return end - ATMOSPHERE_KPA

    def time_us(self, from_kpa: float, to_kpa: float, outside_kpa: float, resistance_kpa_s_ul: float) -> float:
        """How long it takes through a resistance to outside_kpa; both pressures on the same side of it."""
        return resistance_kpa_s_ul * self._integral(from_kpa - outside_kpa, to_kpa - outside_kpa, outside_kpa) * 1e6

    def _integral(self, begin: float, end: float, outside_kpa: float) -> float:
        """Of dV/dp / overpressure from one overpressure down to another, in uL/kPa."""
        integral = self.compliance_ul_kpa * math.log(begin / end)
        if self.gas_ul:
            floor = ATMOSPHERE_KPA + outside_kpa
            product = self.gas_ul * ATMOSPHERE_KPA
            shares = math.log(begin / end * ((end + floor) / (begin + floor)))
            integral += product / floor**2 * shares + product / floor * (1 / (begin + floor) - 1 / (end + floor))
        return integral

    def pressure_after_us(self, kpa: float, us: float, outside_kpa: float, resistance_kpa_s_ul: float) -> float:
        """Gauge pressure after so long; exact without gas, and to the last bits by Newton's method with it."""
        over = kpa - outside_kpa
        if not self.gas_ul or over == 0:
            return outside_kpa + over * math.exp(-us / (resistance_kpa_s_ul * self.compliance_ul_kpa * 1e6))
        # In the logarithm of the overpressure the curve is nearly straight; the slope is the elasticity itself.
        log, sign = math.log(abs(over)), math.copysign(1.0, over)
        wanted = us / (resistance_kpa_s_ul * 1e6)
        for _ in range(NEWTON_TURNS):
            now = sign * math.exp(log)
            slope = self.compliance_ul_kpa + self.gas_ul * ATMOSPHERE_KPA / (ATMOSPHERE_KPA + outside_kpa + now) ** 2
            change = (wanted - self._integral(over, now, outside_kpa)) / slope
            log = max(log - change, LOWEST_LOG)
            if abs(change) < 1e-15 * max(abs(log), 1.0):
                break
        return outside_kpa + sign * math.exp(log)
