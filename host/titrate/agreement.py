"""Values of a phase that are stated though they follow from others: each must be what follows, but for rounding.

Nothing is guessed: where they disagree, the message names all the numbers that are involved.
"""

from collections.abc import Sequence
from fractions import Fraction

from pump.core import units
from titrate.errors import ProtocolError
from titrate.mixture import Mixture, agree
from titrate.phases import Bolus, Infuse, Ramp, Staircase
from titrate.places import Path
from titrate.protocol import Protocol
from titrate.quantities import Quantity, decimal
from titrate.stretches import Stretch, length_s


def check(
    protocol: Protocol,
    mixture: Mixture,
    phase: Infuse | Ramp | Staircase | Bolus,
    stretches: Sequence[Stretch],
    path: Path,
) -> None:
    """Raises ProtocolError for a `rate`, `dose` or `volume` of a phase that its stretches do not come to."""

    def judge(key: str, given: Quantity | None, follows_mg: Fraction, because: str) -> None:
        """follows_mg: a dose in mg or a rate in mg/h, shown in the unit that was given."""
        if given is None or agree(mixture.mg(given), follows_mg):
            return
        scale = mixture.mg(given) / given.value  # mg of one of what is given
        allowed = f"{decimal(follows_mg / scale)} {given.unit}, because {because}"
        raise ProtocolError(protocol.where((*path, key)), given.text, allowed)

    dose_mg = sum((stretch.dose_mg for stretch in stretches), Fraction())
    drug = f"the drug has {decimal(mixture.concentration_mg_ml)} mg/mL"
    if isinstance(phase, Bolus):
        said = f"{_held(phase.bolus, phase.cap)} is {decimal(dose_mg)} mg {mixture.of_subject}"
        over = f"over {decimal(stretches[0].duration_s)} s"
        judge("rate", phase.rate, stretches[0].begin_mg_h, f"{said}, {over}, and {drug}")
        judge("volume", phase.volume, dose_mg, f"{said} and {drug}")
        return
    said = f"the rates {mixture.of_subject}"
    if isinstance(phase, Infuse):
        rate_mg_h = stretches[0].begin_mg_h
        said = f"{_held(phase.infuse, phase.cap)} is {decimal(rate_mg_h)} mg/h {mixture.of_subject}"
        judge("rate", phase.rate, rate_mg_h, f"{said} and {drug}")
    said += f", in {decimal(length_s(stretches) / units.S_PER_H)} h {decimal(dose_mg)} mg"
    judge("dose", phase.dose, dose_mg, said)
    judge("volume", phase.volume, dose_mg, f"{said}, and {drug}")


def _held(given: Quantity, cap: Quantity | None) -> str:
    return f"{given.text} with a cap of {cap.text}" if cap else given.text
