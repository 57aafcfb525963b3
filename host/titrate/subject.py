"""For whom a plan is: the weight and age that hold, and whether the protocol is for them."""

from fractions import Fraction

from titrate import quantities
from titrate.errors import ProtocolError
from titrate.protocol import AgeRange, Protocol, WeightRange
from titrate.quantities import Quantity


def weight_kg_of(protocol: Protocol, weight: str | None, age: str | None) -> tuple[Fraction, list[str]]:
    """The body weight that holds, and what a person should know.

    weight, age: what was asked for ("70 kg", "15 years"), or None for the file's own. Raises ProtocolError.
    """
    subject = protocol.subject
    found_weight = subject.weight if weight is None else quantities.parse(weight, quantities.WEIGHT, "--weight")
    found_age = subject.age if age is None else quantities.parse(age, quantities.AGE, "--age")
    if found_weight is None:
        allowed = 'a body weight such as "70 kg", here or by --weight'
        raise ProtocolError(protocol.where(("subject", "weight")), None, allowed)
    _check_range(protocol, "weight", found_weight, subject.weight_range, weight is not None)
    if subject.age_range and found_age is None:
        span = f"{subject.age_range.from_.text} to {subject.age_range.to.text}"
        return found_weight.value, [f"the age of the subject is not known; this protocol is for {span} (--age)"]
    if found_age:
        _check_range(protocol, "age", found_age, subject.age_range, age is not None)
    return found_weight.value, []


def _check_range(
    protocol: Protocol, key: str, given: Quantity, span: WeightRange | AgeRange | None, is_option: bool
) -> None:
    if span and not span.from_.value <= given.value <= span.to.value:
        line = protocol.line_of(("subject", f"{key}_range"))
        allowed = f"{span.from_.text} to {span.to.text}, by subject.{key}_range on line {line}"
        raise ProtocolError(f"--{key}" if is_option else protocol.where(("subject", key)), given.text, allowed)
