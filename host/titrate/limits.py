"""[limits]: what a protocol must stay below for a subject. A plan beyond them is refused before it exists.

These are the author's own. The pump has others, of its drug library, and trusts none of this.
"""

from collections.abc import Sequence
from fractions import Fraction

from pump.core import units
from titrate.errors import ProtocolError
from titrate.mixture import Mixture
from titrate.protocol import Protocol
from titrate.quantities import Quantity, decimal
from titrate.stretches import Stretch, largest_dose_mg

WINDOWS_H = (1, 4, 24)


def check(protocol: Protocol, mixture: Mixture, stretches: Sequence[Stretch]) -> None:
    """Raises ProtocolError, naming the phase or the limit, for stretches that are beyond the protocol's limits."""
    limits = protocol.limits

    def allowed(key: str, limit: Quantity) -> str:
        return f"at most {limit.text}, by limits.{key} on line {protocol.line_of(('limits', key))}"

    for stretch in stretches:
        rate_key, dose_key = ("bolus_rate", "bolus") if stretch.kind == "bolus" else ("rate", "")
        rate: Quantity | None = getattr(limits, rate_key)
        if rate and stretch.highest_mg_h > mixture.mg(rate):
            given = f"{decimal(stretch.highest_mg_h)} mg/h"
            raise ProtocolError(protocol.where(stretch.path), given, allowed(rate_key, rate))
        if dose_key and limits.bolus and stretch.dose_mg > mixture.mg(limits.bolus):
            given = f"{decimal(stretch.dose_mg)} mg"
            raise ProtocolError(protocol.where(stretch.path), given, allowed(dose_key, limits.bolus))
    for hours in WINDOWS_H:
        most: Quantity | None = getattr(limits, f"dose_{hours}h")
        if most:
            dose_mg, end_s = largest_dose_mg(stretches, Fraction(hours * units.S_PER_H))
            when = f"the {hours} h up to {decimal(end_s / units.S_PER_H)} h"
            _check_dose(protocol, mixture, f"dose_{hours}h", most, dose_mg, when)
    if limits.total:
        total_mg = sum((stretch.dose_mg for stretch in stretches), Fraction())
        _check_dose(protocol, mixture, "total", limits.total, total_mg, "all phases")


def _check_dose(protocol: Protocol, mixture: Mixture, key: str, most: Quantity, dose_mg: Fraction, when: str) -> None:
    if dose_mg > mixture.mg(most):
        allowed = f"at least {decimal(dose_mg)} mg, which {when} come to {mixture.of_subject}; or less dose"
        raise ProtocolError(protocol.where(("limits", key)), most.text, allowed)
