"""The phases of the protocol language, one model each, told by their verb. What they mean in time is in compiler.py.

To add a word to the language, add a field or a model here, its meaning to compiler.py, its sentence to prose.py and
its line to docs/protocol-language.md. The text under a field is what an editor shows (schema.py).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from titrate import quantities, stated
from titrate.errors import ProtocolError
from titrate.quantities import Kind, Quantity

MOST_PHASES = 500  # in a file; wire.PROGRAM allows as many in a program
MOST_STEPS = 100
TAG = " phase"  # ends the names by which pydantic's error locations tell the kinds of phases


def _schema(kind: Kind) -> dict[str, Any]:
    """What an editor may hold against a text; the parser is stricter."""
    return {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*[A-Za-zµμ][A-Za-zµμ0-9/ ]*$", "title": kind.name}


def _quantity(kind: Kind, zero: bool = False) -> tuple[BeforeValidator, WithJsonSchema]:
    return BeforeValidator(lambda given: quantities.parse(given, kind, zero=zero)), WithJsonSchema(_schema(kind))


Rate = Annotated[Quantity, *_quantity(quantities.RATE)]
RateOrZero = Annotated[Quantity, *_quantity(quantities.RATE, zero=True)]
Dose = Annotated[Quantity, *_quantity(quantities.DOSE)]
Flow = Annotated[Quantity, *_quantity(quantities.FLOW)]
Volume = Annotated[Quantity, *_quantity(quantities.VOLUME)]
Duration = Annotated[Quantity, *_quantity(quantities.DURATION)]
Interval = Annotated[Quantity, *_quantity(quantities.INTERVAL)]
Concentration = Annotated[Quantity, *_quantity(quantities.CONCENTRATION)]
Weight = Annotated[Quantity, *_quantity(quantities.WEIGHT)]
Age = Annotated[Quantity, *_quantity(quantities.AGE)]
Line = Annotated[str, Field(min_length=1, max_length=stated.LONGEST_NOTE)]


class Table(BaseModel):
    """Any table of the file: unknown keys are refused, types are not guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    source: stated.Source | None = None
    """Where the values of this table come from."""
    note: Line | None = None
    """What is to be said of them."""


class Span(Table):
    """A change of rate. One end of a ramp may be zero."""

    from_: RateOrZero = Field(alias="from")
    """The rate at the beginning."""
    to: RateOrZero
    """The rate at the end."""

    @model_validator(mode="after")
    def _moves(self) -> Span:
        if not (self.from_.value or self.to.value):
            raise ProtocolError("", "0 to 0", "a ramp with one end above zero")
        return self


class Stairs(Table):
    """A change of rate in equal steps; both ends are levels."""

    from_: Rate = Field(alias="from")
    """The first level."""
    to: Rate
    """The last level."""
    steps: Annotated[int, Field(ge=2, le=MOST_STEPS)] | None = None
    """How many levels there are, `from` and `to` included."""
    step: Rate | None = None
    """Or how far it is from each level to the next, up or down."""

    @model_validator(mode="after")
    def _counted(self) -> Stairs:
        if self.steps is None and self.step is None:
            raise ProtocolError("", None, "`steps`, the number of levels, or `step`, from each level to the next")
        return self


class Bounds(Table):
    """Between what an operator may set the rate of this phase while it runs."""

    floor: RateOrZero
    """The lowest rate."""
    ceiling: Rate
    """The highest rate."""


class Infuse(Table):
    """A constant rate."""

    infuse: Rate
    """The rate: mg/kg/h, ug/kg/min, mg/h, mg/h/70kg, mg/day or mL/h."""
    for_: Duration | None = Field(None, alias="for")
    """How long. Without it, `dose` or `volume` says when to end."""
    cap: Rate | None = None
    """The rate is held at this one where it would be higher for the subject."""
    bounds: Bounds | None = None
    """Between what an operator may set the rate while it runs."""
    rate: Flow | None = None
    """The flow that follows, where the study states it as well: it must agree."""
    dose: Dose | None = None
    """The dose of this phase: says how long where `for` is not given, and must agree where it is."""
    volume: Volume | None = None
    """The volume of this phase: says how long where `for` is not given, and must agree where it is."""

    @model_validator(mode="after")
    def _ends(self) -> Infuse:
        if self.for_ is None and self.dose is None and self.volume is None:
            allowed = "the key `for` is needed here, or `dose` or `volume`, from which it follows"
            raise ProtocolError("for", None, allowed)
        return self


class Ramp(Table):
    """A rate that changes in a straight line."""

    ramp: Span
    """From one rate to the other."""
    for_: Duration = Field(alias="for")
    """How long the change takes."""
    cap: Rate | None = None
    """The rate stays at this one where it would be higher for the subject."""
    dose: Dose | None = None
    """The dose of this phase, where the study states it as well: it must agree."""
    volume: Volume | None = None
    """The volume of this phase, where the study states it as well: it must agree."""


class Staircase(Table):
    """A rate that changes in equal steps, each level as long as the others."""

    staircase: Stairs
    """From one level to the other."""
    each: Duration
    """How long each level lasts."""
    cap: Rate | None = None
    """Levels that would be higher for the subject are held at this one."""
    bounds: Bounds | None = None
    """Between what an operator may set the rate while it runs."""
    dose: Dose | None = None
    """The dose of all levels, where the study states it as well: it must agree."""
    volume: Volume | None = None
    """The volume of all levels, where the study states it as well: it must agree."""


class Bolus(Table):
    """A dose at a constant rate over a given time. Nothing else flows meanwhile."""

    bolus: Dose
    """The dose: mg/kg, mg or mL."""
    over: Duration | None = None
    """How long it takes. Without it, `rate` says so."""
    cap: Dose | None = None
    """The dose is held at this one where it would be higher for the subject."""
    rate: Flow | None = None
    """The flow: says how long it takes where `over` is not given, and must agree where it is."""
    volume: Volume | None = None
    """The volume, where the study states it as well: it must agree."""

    @model_validator(mode="after")
    def _ends(self) -> Bolus:
        if self.over is None and self.rate is None:
            raise ProtocolError("over", None, "the key `over` is needed here, or `rate`, from which it follows")
        return self


class Pause(Table):
    """Nothing flows."""

    pause: Interval
    """How long."""


class Repeat(Table):
    """The phases within, over again."""

    repeat: Annotated[int, Field(ge=1, le=MOST_PHASES)]
    """How often."""
    every: Interval | None = None
    """From the start of each pass to the start of the next; without it they follow each other."""
    phase: Annotated[list[Phase], Field(min_length=1, max_length=MOST_PHASES)]
    """What is repeated, as [[phase.phase]]."""


# verb: model
PHASES: dict[str, type[Table]] = {
    "infuse": Infuse,
    "ramp": Ramp,
    "staircase": Staircase,
    "bolus": Bolus,
    "pause": Pause,
    "repeat": Repeat,
}


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
