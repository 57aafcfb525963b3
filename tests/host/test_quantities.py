"""Quantities: exact where they are understood, refused where they are not."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titrate import quantities
from titrate.errors import ProtocolError
from titrate.quantities import CONCENTRATION, DOSE, DURATION, FLOW, INTERVAL, RATE, WEIGHT, Kind, parse

GOOD = [
    (RATE, "0.35 mg/kg/h", Fraction(7, 20), "mg/kg/h"),
    (RATE, "1.2 ug/kg/min", Fraction(9, 125), "mg/kg/h"),
    (RATE, "1.2 µg/kg/min", Fraction(9, 125), "mg/kg/h"),
    (RATE, "1.2 μg/kg/min", Fraction(9, 125), "mg/kg/h"),
    (RATE, "22.2 mg/h/70kg", Fraction(111, 350), "mg/kg/h"),
    (RATE, "22.2 mg/h/70 kg", Fraction(111, 350), "mg/kg/h"),
    (RATE, "50 mg/day", Fraction(25, 12), "mg/h"),
    (RATE, "25 mg/h", Fraction(25), "mg/h"),
    (RATE, "25mL/h", Fraction(25), "mL/h"),
    (RATE, " 2 mg / kg / h ", Fraction(2), "mg/kg/h"),
    (DOSE, "0.5 mg/kg", Fraction(1, 2), "mg/kg"),
    (DOSE, "35 mg", Fraction(35), "mg"),
    (DOSE, "0.2 mL", Fraction(1, 5), "mL"),
    (DOSE, "200 uL", Fraction(1, 5), "mL"),
    (DURATION, "4 h", Fraction(14400), "s"),
    (DURATION, "45 min", Fraction(2700), "s"),
    (DURATION, "10 d", Fraction(864000), "s"),
    (INTERVAL, "21 days", Fraction(21 * 86400), "s"),
    (CONCENTRATION, "0.98 mg/mL", Fraction(49, 50), "mg/mL"),
    (CONCENTRATION, "980 ug/ml", Fraction(49, 50), "mg/mL"),
    (WEIGHT, "70 kg", Fraction(70), "kg"),
    (WEIGHT, "70kg", Fraction(70), "kg"),
    (WEIGHT, "3500 g", Fraction(7, 2), "kg"),
    (FLOW, "25 mL/h", Fraction(25), "mL/h"),
]

BAD = [
    (RATE, 0.35, "a number needs its unit"),
    (RATE, 25, "a number needs its unit"),
    (RATE, True, "a number needs its unit"),
    (RATE, "25", "a number needs its unit"),
    (RATE, "", "a plain decimal number and a unit"),
    (RATE, None, "a text in quotes"),
    (RATE, ["25 mg/h"], "a text in quotes"),
    (RATE, "mg/h", "a plain decimal number and a unit"),
    (RATE, "0,35 mg/kg/h", "a point as the decimal sign"),
    (RATE, "1,000 mg/h", "a point as the decimal sign"),
    (RATE, "-1 mg/h", "nothing negative"),
    (RATE, "0 mg/h", "more than zero"),
    (RATE, "0.000 mg/h", "more than zero"),
    (RATE, "nan mg/h", "a plain decimal number"),
    (RATE, "inf mg/h", "a plain decimal number"),
    (RATE, "1e999 mg/h", "a unit like"),
    (RATE, "1e3 mg/h", "a unit like"),
    (RATE, "1_000 mg/h", "a unit like"),
    (RATE, "1.2.3 mg/h", "a plain decimal number"),
    (RATE, "5. mg/h", "a plain decimal number"),
    (RATE, "١ mg/h", "a plain decimal number"),
    (RATE, "5 furlong/h", "a unit like"),
    (RATE, "5 MG/h", "a unit like"),
    (RATE, "5 mg", "a unit like"),
    (RATE, "5 mg/kg", "a unit like"),
    (RATE, "5 1/h", "a unit like"),
    (RATE, "5 mg//h", "a unit like"),
    (RATE, "5 mg**9**9/h", "a unit like"),
    (RATE, "5 mg*2/h", "a unit like"),
    (RATE, "5 kg/kg/h", "to 1000 mg/kg/h"),
    (RATE, "5 subject_kilogram/h", "a unit like"),
    (RATE, "0.0000000001 mg/h", "to 100000 mg/h"),
    (RATE, "9" * 60 + " mg/h", "at most 40 characters"),
    (DOSE, "5 mg/h", "a unit like"),
    (DURATION, "4", "a number needs its unit"),
    (DURATION, "4 kg", "a unit like"),
    (DURATION, "241 h", "1 to 864000 s"),
    (DURATION, "0 s", "more than zero"),
    (WEIGHT, "0 kg", "more than zero"),
    (WEIGHT, "700 kg", "1 to 300 kg"),
    (WEIGHT, "70 lb", "a unit like"),
    (CONCENTRATION, "0.98 mg", "a unit like"),
    (FLOW, "25 mg/h", "a unit like"),
]


@pytest.mark.parametrize(("kind", "text", "value", "unit"), GOOD)
def test_is_exact(kind: Kind, text: str, value: Fraction, unit: str) -> None:
    quantity = parse(text, kind)
    assert (quantity.value, quantity.unit) == (value, unit)


@pytest.mark.requirement("SR-RATE-09")
@pytest.mark.parametrize(("kind", "given_value", "allowed"), BAD)
def test_is_refused_with_its_place(kind: Kind, given_value: object, allowed: str) -> None:
    with pytest.raises(ProtocolError) as raised:
        parse(given_value, kind, "here")
    assert raised.value.where == "here"
    assert raised.value.value == given_value
    assert allowed in raised.value.allowed
    assert kind.example in raised.value.allowed
    assert "\n" not in str(raised.value)


def test_zero_is_allowed_only_where_it_means_something() -> None:
    assert parse("0 mg/h", RATE, zero=True).value == 0


@given(st.text(max_size=30))
def test_any_text_is_a_quantity_or_a_protocol_error(text: str) -> None:
    try:
        quantity = parse(text, RATE)
    except ProtocolError:
        return
    assert quantity.value > 0


@given(st.decimals(min_value="0.001", max_value=1000, places=4), st.sampled_from(["mg/kg/h", "mg/h", "mL/h"]))
def test_the_decimal_text_is_the_value(number: object, unit: str) -> None:
    assert parse(f"{number} {unit}", quantities.RATE).value == Fraction(str(number))
