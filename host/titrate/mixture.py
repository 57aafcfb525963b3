"""The drug as it is mixed for one subject: what turns every way of stating a dose into mg."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from titrate.errors import ProtocolError
from titrate.protocol import Infuse, Protocol, Repeat, Table
from titrate.quantities import Quantity


@dataclass(frozen=True)
class Mixture:
    """A body weight and a concentration."""

    weight_kg: Fraction
    concentration_mg_ml: Fraction

    def mg(self, quantity: Quantity) -> Fraction:
        """A rate in mg/h, or a dose in mg."""
        if quantity.unit in ("mg/kg/h", "mg/kg"):
            return quantity.value * self.weight_kg
        if quantity.unit in ("mL/h", "mL"):
            return quantity.value * self.concentration_mg_ml
        return quantity.value


def mixture_for(protocol: Protocol, weight_kg: Fraction) -> Mixture:
    """With the stated concentration, or the one that makes the first infusion, capped, flow at `mixed_for`."""
    drug = protocol.drug
    if drug.concentration:
        return Mixture(weight_kg, drug.concentration.value)
    assert drug.mixed_for
    first = _first_infusion(protocol.phase)
    if first is None or first.infuse.unit == "mL/h":
        allowed = "only with an infuse phase that states a dose rate to mix for; else give the concentration"
        raise ProtocolError(protocol.where(("drug", "mixed_for")), drug.mixed_for.text, allowed)
    weighed = Mixture(weight_kg, Fraction())
    dose_rate_mg_h = weighed.mg(first.infuse)
    if first.cap:
        dose_rate_mg_h = min(dose_rate_mg_h, weighed.mg(first.cap))
    return Mixture(weight_kg, dose_rate_mg_h / drug.mixed_for.value)


def _first_infusion(phases: Sequence[Table]) -> Infuse | None:
    for phase in phases:
        found = _first_infusion(phase.phase) if isinstance(phase, Repeat) else phase
        if isinstance(found, Infuse):
            return found
    return None
