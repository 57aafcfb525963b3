"""Syringe and line as an elastic volume behind a resistance, with a clamp at the outlet, and a fitting that may leak.

    dV/dp dp/dt = displaced flow - (p - back pressure) / R - p / R of the fitting

Two ways out of one volume are as one, and what went past the fitting is told apart afterwards, as exactly:

    volume past it = integral of p dt / R of the fitting

Displacement comes in jumps, so between two events pressure relaxes along a curve that is known, and the outflow is
exactly the volume that walls and gas give back: no integration error, however long the gap. Events within a gap (a
plunger that gives way, a bubble that arrives at the open end) are found on that curve.

The walls of the line stand on the same node as the syringe: 1.5 m of infusion line give 0.02 uL/kPa, which behind its
own resistance relaxes within milliseconds.
"""

from dataclasses import dataclass, replace
from math import expm1, inf
from typing import Protocol

from hil.plant.elasticity import Elasticity
from hil.plant.fluid import REFERENCE_CELSIUS, expansion_ul, viscosity_mpa_s

NEVER_US = inf
OPEN_UL_KPA = 1e12  # the open takes any volume at no pressure


@dataclass(frozen=True)
class LineData:
    """Elasticity and resistance of syringe, line and needle, at 20 Celsius.

    compliance_ul_kpa: 10 uL/kPa is about 1 mL/bar, the order published for 50 mL syringes with a rubber stopper.
    resistance_kpa_s_ul: 0.2 is a 1.5 m line of 1 mm bore (0.06, Hagen-Poiseuille, water) plus a fine needle.
    leak_kpa_s_ul: resistance of the closed clamp; infinite for one that is tight.
    fitting_kpa_s_ul: of the way past the fitting of syringe and line, into the room; infinite for one that is tight. At
    suction it lets in as much, which here counts as liquid.
    """

    compliance_ul_kpa: float = 10.0
    resistance_kpa_s_ul: float = 0.2
    back_pressure_kpa: float = 0.0
    leak_kpa_s_ul: float = inf
    fitting_kpa_s_ul: float = inf


class Follower(Protocol):
    """A plunger that holds by friction: outside its window of pressures it gives way."""

    def window_kpa(self) -> tuple[float, float]: ...
    def give_way(self, direction: int) -> None: ...


class Line:
    """State of the line at `at_us`: pressure_kpa at the syringe's outlet, delivered_ul out of the open end.

    displaced_ul: pushed by the plunger. expanded_ul: gained by warmth. spilled_ul: lost at the pump's end,
    past a fitting that leaks as well.
    air_ul: gas in the line at the pressure that is there. All volumes but air_ul are of liquid.
    """

    def __init__(self, data: LineData | None = None, at_us: int = 0) -> None:
        self.data = data or LineData()
        self.at_us = at_us
        self.pressure_kpa = self.back_pressure_kpa = self.data.back_pressure_kpa
        self.celsius = REFERENCE_CELSIUS
        self.delivered_ul = self.displaced_ul = self.expanded_ul = self.spilled_ul = 0.0
        self.clamped = self._open = False
        self.plunger: Follower | None = None
        self._leak_kpa_s_ul = self.data.leak_kpa_s_ul
        self._elasticity = Elasticity(self.data.compliance_ul_kpa)
        self._to_end_ul = inf  # liquid between the bubble and the open end
        self._leaving_ul = 0.0  # gas that is passing the open end
        self._added_ul = 0.0  # gas added, at the pressure of that moment
        self._set_outflow()

    def _set_outflow(self) -> None:
        """Where the pressure would come to rest and how fast, and what share of a relaxation goes past the fitting."""
        thicker = viscosity_mpa_s(self.celsius) / viscosity_mpa_s(REFERENCE_CELSIUS)
        self.resistance_kpa_s_ul = self.data.resistance_kpa_s_ul * thicker
        if self.clamped:
            self.resistance_kpa_s_ul += self._leak_kpa_s_ul
        fitting_kpa_s_ul = self.data.fitting_kpa_s_ul
        self._spilled_share = 0.0 if fitting_kpa_s_ul == inf else 1 / (1 + fitting_kpa_s_ul / self.resistance_kpa_s_ul)
        self._out_kpa_s_ul = fitting_kpa_s_ul * self._spilled_share if self._spilled_share else self.resistance_kpa_s_ul
        self._rest_kpa = self.back_pressure_kpa * (1 - self._spilled_share)
        self._tau_us = self._out_kpa_s_ul * self.data.compliance_ul_kpa * 1e6

    @property
    def air_ul(self) -> float:
        return self._leaving_ul + self._elasticity.gas_at_ul(self.pressure_kpa)

    @property
    def stored_ul(self) -> float:
        """Liquid held by elasticity, and for gas that went: displaced + expanded = delivered + stored + spilled."""
        stretched_ul = (self.pressure_kpa - self.data.back_pressure_kpa) * self.data.compliance_ul_kpa
        return stretched_ul + self._added_ul - self.air_ul

    @property
    def stored_uj(self) -> float:
        """Work held by walls and gas, against gauge pressure 0."""
        return self._elasticity.stored_uj(0.0, self.pressure_kpa)

    # --- time

    def advance(self, at_us: int) -> None:
        """Lets the line relax until at_us."""
        left_us = at_us - self.at_us + 0.0  # a float, for `make compiled`; and sooner than by a call
        if left_us <= 0:
            return
        self.at_us = at_us
        if self.plunger is None and self._to_end_ul == inf:
            kpa = self.pressure_kpa
            fall_kpa = (self._rest_kpa - kpa) * expm1(-left_us / self._tau_us)
            self.pressure_kpa = kpa - fall_kpa
            out_ul = fall_kpa * self.data.compliance_ul_kpa
            if self._spilled_share:
                out_ul -= self._spill(out_ul, left_us)
            self.delivered_ul += out_ul
            return
        if self._out_kpa_s_ul == inf:
            return
        while left_us > 0:
            left_us -= self._relax(left_us)

    def _relax(self, us: float) -> float:
        """Until the next event, or for `us`; how long that was. Acts on the event."""
        self._settle()
        elasticity, outside, p = self._elasticity, self._rest_kpa, self.pressure_kpa
        low, high = self._window_kpa()
        waiting_ul = self._leaving_ul or self._to_end_ul
        arrival = elasticity.pressure_with_kpa(p, -waiting_ul) if waiting_ul < inf and p > outside else -inf
        falls = max(low, arrival)  # what comes first on the way down
        # An event at this very moment takes no time; one that lies on the far side of `outside` never comes.
        event = falls if p > outside else high
        comes = outside < event if p > outside else event < outside and p < outside
        event = min(event, p) if p > outside else max(event, p)
        after_us = elasticity.time_us(p, event, outside, self._out_kpa_s_ul) if comes else NEVER_US
        if after_us >= us:
            self._flow_to(elasticity.pressure_after_us(p, us, outside, self._out_kpa_s_ul), us)
            return us
        leaving = self._leaving_ul > 0
        self._flow_to(event, after_us)
        if self.plunger and (p < outside or low >= arrival):
            self.plunger.give_way(-1 if p < outside else 1)
        elif leaving:
            self._leaving_ul, self._to_end_ul = 0.0, inf
        else:  # from here on the gas is open to the outside: it leaves as it is, and is no spring any more
            self._leaving_ul, self._to_end_ul = self.air_ul, 0.0
            self._elasticity = replace(elasticity, gas_ul=0.0)
        return after_us

    def _flow_to(self, kpa: float, us: float) -> None:
        out_ul = -self._elasticity.taken_ul(self.pressure_kpa, kpa)
        self.pressure_kpa = kpa
        if self._leaving_ul:
            self._leaving_ul = max(self._leaving_ul - out_ul, 0.0)
            return
        if self._spilled_share:
            out_ul -= self._spill(out_ul, us)
        self.delivered_ul += out_ul
        self._to_end_ul -= out_ul

    def _spill(self, out_ul: float, us: float) -> float:
        """Past the fitting, of out_ul that walls gave back within `us`; a back pressure feeds it from the open end."""
        past_ul = out_ul * self._spilled_share + self._rest_kpa * us / 1e6 / self.data.fitting_kpa_s_ul
        self.spilled_ul += past_ul
        return past_ul

    def _window_kpa(self) -> tuple[float, float]:
        return self.plunger.window_kpa() if self.plunger else (-inf, inf)

    def _settle(self) -> None:
        """Lets the plunger give way to a pressure that has leapt out of its window."""
        low, high = self._window_kpa()
        while self.plunger and not low <= self.pressure_kpa <= high:
            self.plunger.give_way(1 if self.pressure_kpa < low else -1)
            low, high = self._window_kpa()

    # --- what is done to it

    def push(self, volume_ul: float) -> None:
        """The plunger pushes volume_ul into the line, now; into the open where the line is off."""
        self.displaced_ul += volume_ul
        if self._open:
            self.spilled_ul += volume_ul
            return
        self.pressure_kpa = self._elasticity.pressure_with_kpa(self.pressure_kpa, volume_ul)

    def displace(self, at_us: int, volume_ul: float) -> None:
        """The plunger pushes volume_ul into the line at at_us."""
        self.advance(at_us)
        self.push(volume_ul)

    def softened(self, by_ul_kpa: float) -> Elasticity:
        """The line's elasticity with a further compliance beside it: for whoever moves with the pressure."""
        walls_ul_kpa = OPEN_UL_KPA if self._open else self._elasticity.compliance_ul_kpa
        return replace(self._elasticity, compliance_ul_kpa=walls_ul_kpa + by_ul_kpa)

    def open_inlet(self, at_us: int, stays: bool = False) -> None:
        """The line comes off at the pump's end: pressure is gone at once, and what was stored spills there.

        stays: until `close_inlet`, and what is pushed meanwhile spills too."""
        self.advance(at_us)
        self._open = stays
        self.spilled_ul += self._elasticity.taken_ul(self.data.back_pressure_kpa, self.pressure_kpa)
        self.pressure_kpa = self.data.back_pressure_kpa
        self._settle()

    def close_inlet(self, at_us: int) -> None:
        """The line is put on again."""
        self.advance(at_us)
        self._open = False

    def clamp(self, at_us: int, closed: bool, leak_kpa_s_ul: float | None = None) -> None:
        """Closes or opens the clamp at the outlet; leak_kpa_s_ul instead of the line's own for one that leaks."""
        self.advance(at_us)
        self.clamped = closed
        self._leak_kpa_s_ul = self.data.leak_kpa_s_ul if leak_kpa_s_ul is None else leak_kpa_s_ul
        self._set_outflow()

    def set_back_pressure(self, at_us: int, kpa: float) -> None:
        """At the open end from now on; 13.33 kPa are 100 mmHg or 1.36 m of water."""
        self.advance(at_us)
        self.back_pressure_kpa = kpa
        self._set_outflow()

    def add_bubble(self, at_us: int, volume_ul: float, to_end_ul: float) -> None:
        """Gas in place of as much liquid, with to_end_ul of liquid between it and the open end; one at a time.

        ValueError for a line with one, and for one that leaks: there no pressure tells when the gas arrives."""
        self.advance(at_us)
        if self.data.fitting_kpa_s_ul < inf:
            raise ValueError("a line that leaks takes no bubble")
        if self.air_ul:
            raise ValueError("there is a bubble in the line already")
        at_rest_ul = volume_ul / Elasticity(0.0, 1.0).gas_at_ul(self.pressure_kpa)
        self._elasticity = replace(self._elasticity, gas_ul=at_rest_ul)
        self._added_ul += volume_ul
        self._to_end_ul = to_end_ul

    def set_temperature(self, at_us: int, celsius: float, liquid_ul: float = 0.0) -> None:
        """Of all liquid from now on: resistance follows its viscosity, and liquid_ul in syringe and line expand."""
        self.advance(at_us)
        grown_ul = expansion_ul(liquid_ul, self.celsius, celsius)
        self.celsius = celsius
        self.pressure_kpa = self._elasticity.pressure_with_kpa(self.pressure_kpa, grown_ul)
        self.expanded_ul += grown_ul
        self._set_outflow()
        self._settle()
