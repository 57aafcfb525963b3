"""The protocol language: what a TOML file may say, as pydantic models. What follows from it in time is in plan.py.

Each kind of phase is one model, told by its verb. To add a word to the language, add a field here, or a model to
PHASES, and its meaning to compiler.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, PrivateAttr, Tag, model_validator

from titrate import places, quantities
from titrate.errors import ProtocolError
from titrate.quantities import Kind, Quantity

if TYPE_CHECKING:
    from titrate.plan import Plan

DEEPEST_REPEAT = 4
MOST_PHASES = 500  # in a file; wire.PROGRAM allows as many in a program


def _quantity(kind: Kind, zero: bool = False) -> BeforeValidator:
    return BeforeValidator(lambda given: quantities.parse(given, kind, zero=zero))


Rate = Annotated[Quantity, _quantity(quantities.RATE)]
RateOrZero = Annotated[Quantity, _quantity(quantities.RATE, zero=True)]
Dose = Annotated[Quantity, _quantity(quantities.DOSE)]
Flow = Annotated[Quantity, _quantity(quantities.FLOW)]
Duration = Annotated[Quantity, _quantity(quantities.DURATION)]
Interval = Annotated[Quantity, _quantity(quantities.INTERVAL)]
Concentration = Annotated[Quantity, _quantity(quantities.CONCENTRATION)]
Weight = Annotated[Quantity, _quantity(quantities.WEIGHT)]
Source = Literal["table", "text", "primary", "assumed"]
Line = Annotated[str, Field(min_length=1, max_length=2000)]


class Table(BaseModel):
    """Any table of the file: unknown keys are refused, types are not guessed, `source` and `note` say where from."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    source: Source | None = None
    note: Line | None = None


class Header(Table):
    """[protocol]: what this file is and where it comes from. notes: what is doubtful, and what we chose."""

    name: Annotated[str, Field(max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    citation: Line | None = None
    doi: Line | None = None
    notes: Annotated[list[Line], Field(default_factory=list, strict=True)]


class Drug(Table):
    """[drug]: the concentration in mg/mL, or the flow in mL/h for which it is mixed for each subject."""

    name: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ()+.-]*$")]
    enantiomer: Literal["racemic", "S", "R"] | None = None
    concentration: Concentration | None = None
    mixed_for: Flow | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Drug:
        if (self.concentration is None) == (self.mixed_for is None):
            given = None if self.concentration is None else "both concentration and mixed_for"
            raise ProtocolError("", given, 'one of concentration = "0.98 mg/mL" and mixed_for = "25 mL/h"')
        return self


class Subject(Table):
    """[subject]: the weight that holds unless the command line gives one."""

    weight: Weight | None = None


class Span(Table):
    """A change of rate. One end of a ramp may be zero."""

    from_: RateOrZero = Field(alias="from")
    to: RateOrZero

    @model_validator(mode="after")
    def _moves(self) -> Span:
        if not (self.from_.value or self.to.value):
            raise ProtocolError("", "0 to 0", "a ramp with one end above zero")
        return self


class Stairs(Table):
    """A change of rate in equal steps: `steps` counts the levels, `from` and `to` included."""

    from_: Rate = Field(alias="from")
    to: Rate
    steps: Annotated[int, Field(ge=2, le=100)]


class Infuse(Table):
    """A constant rate. `rate` states the flow that follows; it must agree with rate x weight / concentration."""

    infuse: Rate
    for_: Duration = Field(alias="for")
    cap: Rate | None = None
    rate: Flow | None = None


class Ramp(Table):
    """A rate that changes linearly."""

    ramp: Span
    for_: Duration = Field(alias="for")
    cap: Rate | None = None


class Staircase(Table):
    """A rate that changes in equal steps, each of the same length."""

    staircase: Stairs
    each: Duration
    cap: Rate | None = None


class Bolus(Table):
    """A dose at a constant rate over a given time; the cap is a dose too."""

    bolus: Dose
    over: Duration
    cap: Dose | None = None


class Pause(Table):
    """Nothing flows."""

    pause: Interval


class Repeat(Table):
    """The phases within, over again: `every` counts from start to start; without it the passes follow each other."""

    repeat: Annotated[int, Field(ge=1, le=MOST_PHASES)]
    every: Interval | None = None
    phase: Annotated[list[Phase], Field(min_length=1, max_length=MOST_PHASES)]


# verb: model
PHASES: dict[str, type[Table]] = {
    "infuse": Infuse,
    "ramp": Ramp,
    "staircase": Staircase,
    "bolus": Bolus,
    "pause": Pause,
    "repeat": Repeat,
}
TAG = " phase"  # ends the names by which pydantic's error locations tell the kinds of phases


def _one_verb(given: Any) -> Any:
    verbs = [verb for verb in PHASES if isinstance(given, dict) and verb in given]
    if not isinstance(given, Table) and len(verbs) != 1:
        shown = " and ".join(verbs) or ", ".join(given) or None if isinstance(given, dict) else given
        raise ProtocolError("", shown, f"exactly one of {', '.join(PHASES)}")
    return given


def _tag(given: Any) -> str:
    verb = type(given).__name__.lower() if isinstance(given, Table) else next(key for key in given if key in PHASES)
    return verb + TAG


Phase = Annotated[
    Annotated[Infuse, Tag("infuse phase")]
    | Annotated[Ramp, Tag("ramp phase")]
    | Annotated[Staircase, Tag("staircase phase")]
    | Annotated[Bolus, Tag("bolus phase")]
    | Annotated[Pause, Tag("pause phase")]
    | Annotated[Repeat, Tag("repeat phase")],
    Discriminator(_tag),
    BeforeValidator(_one_verb),
]
Repeat.model_rebuild()


class Protocol(BaseModel):
    """A whole file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    protocol: Header
    drug: Drug
    subject: Subject = Subject()
    phase: Annotated[list[Phase], Field(min_length=1, max_length=MOST_PHASES)]

    _file: str = PrivateAttr("")
    _text: str = PrivateAttr("")

    @classmethod
    def read(cls, file_or_name: str | Path) -> Protocol:
        """The protocol in a TOML file, or the packaged one of that name. Raises ProtocolError."""
        from titrate.reading import read

        return read(file_or_name)

    def plan(self, weight: str | None = None, session: int | None = None, syringe: str = "bd-plastipak-50") -> Plan:
        """What will flow for a subject of this weight ("70 kg"). Raises ProtocolError."""
        from titrate.compiler import compile_plan

        return compile_plan(self, weight=weight, session=session, syringe=syringe)

    def where(self, path: Sequence[str | int]) -> str:
        """A place in the file as messages name it: file, line and key path."""
        return places.where(self._file, self._text, path)
