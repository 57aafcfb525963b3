"""Quantities as people write them ("0.35 mg/kg/h"), made exact; anything doubtful is refused, nothing is guessed.

Numbers become fractions of the decimal text. pint carries the units, in a registry that knows only the units of this
trade. A kilogram below the line is a kilogram of the subject, which is a dimension of its own: so mg/kg/h cannot be
taken for 1/h, nor mg/kg for a ratio of masses. A year counts ages only and is no duration.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import pint

from pump.core import units, wire
from titrate.errors import ProtocolError

_DEFINITIONS = """
gram = [mass] = g
kilogram = 1000 * gram = kg
milligram = gram / 1000 = mg
microgram = milligram / 1000 = ug = µg = μg = mcg
nanogram = microgram / 1000 = ng
liter = [volume] = L = l
milliliter = liter / 1000 = mL = ml
microliter = milliliter / 1000 = uL = ul = µL = μL = µl = μl
second = [time] = s
minute = 60 * second = min
hour = 60 * minute = h = hr
day = 24 * hour = d
subject_kilogram = [subject]
subject_of_70kg = 70 * subject_kilogram
pascal = [pressure] = Pa
kilopascal = 1000 * pascal = kPa
millimeter_of_mercury = 133.322 * pascal = mmHg
year = [age] = y = yr
month = year / 12
"""

LONGEST_TEXT = 40
DIGITS = "0123456789"


@dataclass(frozen=True)
class Quantity:
    """An exact `value` in `unit`, and the `text` that it was written as."""

    value: Fraction
    unit: str
    text: str

    @property
    def unit_text(self) -> str:
        """The unit as it was written, without spaces."""
        return "".join(self.text.lstrip(DIGITS + ". ").split())


@dataclass(frozen=True)
class Kind:
    """What may stand in one place: `units` maps each canonical unit to (least, most); `example` is shown to people."""

    name: str
    units: Mapping[str, tuple[Fraction, Fraction]]
    example: str


_TINY = Fraction(1, 1_000_000)

# Absurd sizes are typing errors. What a pump can do is narrower, and the pump itself says so.
RATE = Kind(
    "a rate",
    {"mg/kg/h": (_TINY, Fraction(1000)), "mg/h": (_TINY, Fraction(100_000)), "mL/h": (_TINY, Fraction(10_000))},
    '"0.35 mg/kg/h", "1.2 ug/kg/min", "25 mg/h", "22.2 mg/h/70kg", "50 mg/day" or "25 mL/h"',
)
DOSE = Kind(
    "a dose",
    {"mg/kg": (_TINY, Fraction(1000)), "mg": (_TINY, Fraction(100_000)), "mL": (_TINY, Fraction(10_000))},
    '"0.5 mg/kg", "35 mg" or "0.2 mL"',
)
FLOW = Kind("a flow", {"mL/h": (_TINY, Fraction(10_000))}, '"25 mL/h"')
DURATION = Kind(
    "a duration from 1 s to 240 h",
    {"s": (Fraction(1), Fraction(wire.MAX_PHASE_MS, units.MS_PER_S))},
    '"4 h", "45 min" or "90 s"',
)
INTERVAL = Kind(
    "an interval from 1 s to 400 days",
    {"s": (Fraction(1), Fraction(400 * 24 * units.S_PER_H))},
    '"15 min", "24 h" or "21 d"',
)
CONCENTRATION = Kind("a concentration", {"mg/mL": (_TINY, Fraction(1000))}, '"0.98 mg/mL"')
VOLUME = Kind("a volume", {"mL": (_TINY, Fraction(100_000))}, '"100 mL"')
MEASURED = Kind(
    "a volume, or a weight of water",
    {"mL": (_TINY, Fraction(1000)), "g": (_TINY, Fraction(1000))},
    '"5.02 mL" or "5.01 g"',
)
PRESSURE = Kind("a pressure", {"Pa": (Fraction(1), Fraction(500_000))}, '"50 kPa" or "300 mmHg"')
AGE = Kind("an age up to 130 years", {"year": (Fraction(1, 365), Fraction(130))}, '"15 years" or "6 months"')
WEIGHT = Kind("a body weight from 1 to 300 kg", {"kg": (Fraction(1), Fraction(300))}, '"70 kg"')


def _registry() -> pint.UnitRegistry[Fraction]:
    registry: pint.UnitRegistry[Fraction] = pint.UnitRegistry(None, non_int_type=Fraction)
    for line in _DEFINITIONS.split("\n"):
        if line:
            registry.define(line)
    return registry


_UNITS = _registry()


def parse(given: object, kind: Kind, where: str = "", zero: bool = False) -> Quantity:
    """The exact quantity of a text such as "0.35 mg/kg/h" or "70kg", in the canonical unit of its dimension.

    zero: whether 0 has a meaning here. Raises ProtocolError naming where, the value and what is allowed.
    """

    def refuse(why: str) -> ProtocolError:
        return ProtocolError(where, given, f"{why}: {kind.name}, such as {kind.example}")

    if isinstance(given, (int, float)):
        raise refuse("a number needs its unit, in quotes")
    if not isinstance(given, str):
        raise refuse("a text in quotes")
    text = given.strip()
    if len(text) > LONGEST_TEXT:
        raise refuse(f"at most {LONGEST_TEXT} characters")

    unit_text = text.lstrip(DIGITS + ".")
    number = text[: len(text) - len(unit_text)]
    if text.startswith("-"):
        raise refuse("nothing negative")
    if number and unit_text.startswith(","):
        raise refuse("a point as the decimal sign, and no thousands separators")
    whole, _, decimals = number.partition(".")
    if not whole or "." in decimals or number.endswith("."):
        raise refuse("a plain decimal number and a unit")
    if not unit_text.strip():
        raise refuse("a number needs its unit")

    quantity = _in_canonical_unit(Fraction(number), unit_text, kind)
    if quantity is None:
        raise refuse(f"a unit like {' or '.join(kind.units)}")
    value, unit = quantity
    least, most = kind.units[unit]
    if value == 0 and not zero:
        raise refuse("more than zero")
    if value > most or 0 < value < least:
        raise refuse(f"{decimal(least)} to {decimal(most)} {unit}")
    return Quantity(value, unit, text)


def _in_canonical_unit(number: Fraction, unit_text: str, kind: Kind) -> tuple[Fraction, str] | None:
    """(value, canonical unit), or None where the text is no unit or has a dimension that is not allowed here."""
    try:
        quantity = _UNITS.Quantity(number, _unit(unit_text))
    except (pint.PintError, ValueError):
        return None
    for name in kind.units:
        if quantity.is_compatible_with(_unit(name)):
            return Fraction(quantity.to(_unit(name)).magnitude), name
    return None


def _unit(text: str) -> pint.Unit:
    """The unit of "mg/h/70kg" and its like: names and division bars only, so that no arithmetic can hide in it."""
    names = [name.strip() for name in text.split("/")]
    for place, name in enumerate(names):
        if place and name in ("70kg", "70 kg"):
            names[place] = "subject_of_70kg"
        elif place and name == "kg":
            names[place] = "subject_kilogram"
        elif not name.isalpha():
            raise ValueError(text)
    return _UNITS.parse_units("/".join(names))


def decimal(value: Fraction) -> str:
    """A number for people: at most six decimals, none for nothing."""
    return f"{float(value):.6f}".rstrip("0").rstrip(".")
