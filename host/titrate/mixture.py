"""The drug as it is mixed for one subject: what turns every way of stating a dose into mg."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from titrate import quantities
from titrate.errors import ProtocolError
from titrate.phases import Infuse, Repeat, Table
from titrate.places import Path, key_path
from titrate.protocol import Protocol
from titrate.quantities import Quantity, decimal

AGREEMENT = Fraction(1, 1000)  # people round what they state


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

    @property
    def of_subject(self) -> str:
        """For messages."""
        return f"for {decimal(self.weight_kg)} kg"


def agree(stated: Fraction, follows: Fraction) -> bool:
    """Whether a number is what follows from others, rounded at most a little."""
    return abs(stated - follows) <= AGREEMENT * follows


def mixture_for(protocol: Protocol, weight_kg: Fraction) -> Mixture:
    """With the stated concentration, or the one that makes the first infusion, capped, flow at `mixed_for`.

    Raises ProtocolError where the two are stated and disagree, or where nothing can be mixed for that flow.
    """
    drug = protocol.drug
    if drug.mixed_for is None:
        assert drug.concentration
        return Mixture(weight_kg, drug.concentration.value)
    found = _first_infusion(protocol.phase)
    where = protocol.where(("drug", "mixed_for"))
    if found is None or found[1].infuse.unit == "mL/h":
        allowed = "only with an infuse phase that states a dose rate to mix for; else give the concentration"
        raise ProtocolError(where, drug.mixed_for.text, allowed)
    path, first = found
    weighed = Mixture(weight_kg, Fraction())
    dose_rate_mg_h = weighed.mg(first.infuse)
    said = f"{key_path(path)} infuses {first.infuse.text}"
    if first.cap and first.cap.unit == "mL/h":
        if first.cap.value < drug.mixed_for.value:
            allowed = f"at most {first.cap.text}, the cap of {key_path(path)}, which the drug is mixed for"
            raise ProtocolError(where, drug.mixed_for.text, allowed)
    elif first.cap and weighed.mg(first.cap) < dose_rate_mg_h:
        dose_rate_mg_h = weighed.mg(first.cap)
        said += f" with a cap of {first.cap.text}"
    concentration_mg_ml = dose_rate_mg_h / drug.mixed_for.value
    said += f", {decimal(dose_rate_mg_h)} mg/h {weighed.of_subject}"
    if drug.concentration:
        if not agree(drug.concentration.value, concentration_mg_ml):
            allowed = f"{decimal(concentration_mg_ml)} mg/mL, because {said}, and is mixed for {drug.mixed_for.text}"
            raise ProtocolError(protocol.where(("drug", "concentration")), drug.concentration.text, allowed)
        return Mixture(weight_kg, drug.concentration.value)
    least, most = quantities.CONCENTRATION.units["mg/mL"]
    if not least <= concentration_mg_ml <= most:
        allowed = f"a flow that needs {decimal(least)} to {decimal(most)} mg/mL; {said}"
        raise ProtocolError(where, drug.mixed_for.text, allowed)
    return Mixture(weight_kg, concentration_mg_ml)


def _first_infusion(phases: Sequence[Table], path: Path = ()) -> tuple[Path, Infuse] | None:
    for index, phase in enumerate(phases):
        here = (*path, "phase", index)
        if isinstance(phase, Infuse):
            return here, phase
        found = _first_infusion(phase.phase, here) if isinstance(phase, Repeat) else None
        if found:
            return found
    return None
