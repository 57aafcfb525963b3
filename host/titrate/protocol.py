"""A protocol file as pydantic models: header, drug, subject, limits, demand and phases. What follows is in plan.py.

The phases have a file of their own, phases.py. The text under a field is what an editor shows (schema.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from titrate import places
from titrate.errors import ProtocolError
from titrate.phases import (
    MOST_PHASES,
    Age,
    Bolus,
    Concentration,
    Dose,
    Duration,
    Flow,
    Infuse,
    Interval,
    Line,
    Phase,
    Ramp,
    Rate,
    Repeat,
    Staircase,
    Table,
    Weight,
)
from titrate.quantities import Quantity
from titrate.stated import Stated

if TYPE_CHECKING:
    from titrate.plan import Plan

DEEPEST_REPEAT = 4
LONGEST_DEMAND_S = 6 * 3600  # SR-BOLUS-12
LONGEST_LOCKOUT_S = 24 * 3600


class Header(Table):
    """What this file is, and where it comes from."""

    name: Annotated[str, Field(max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """Its name, as the pump shows it."""
    title: Annotated[str, Field(min_length=1, max_length=200)]
    """What it is, in a line."""
    citation: Line | None = None
    """The publication that the regimen is from."""
    doi: Line | None = None
    """Its digital object identifier."""
    author: Annotated[str, Field(max_length=40, pattern=r"^[!-~][ -~]*$")] | None = None
    """Who wrote this file; goes into the program that the pump holds."""
    date: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None
    """When, as YYYY-MM-DD; goes into the program that the pump holds."""
    contradictions: Annotated[list[Line], Field(default_factory=list, strict=True)]
    """Where the sources contradict each other, and what this file follows."""
    notes: Annotated[list[Line], Field(default_factory=list, strict=True)]
    """What else is to be known."""

    @field_validator("date")
    @classmethod
    def _is_a_day(cls, given: str | None) -> str | None:
        try:
            return given and date.fromisoformat(given).isoformat()
        except ValueError:
            raise ProtocolError("", given, 'a day of the calendar, such as "2026-11-24"') from None


class Drug(Table):
    """What is in the syringe."""

    name: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ()+.-]*$")]
    """The drug."""
    code: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = None
    """The entry of the pump's drug library whose limits are to hold; without it, the only one that fits."""
    enantiomer: Literal["racemic", "S", "R"] | None = None
    """A label: it changes no number."""
    concentration: Concentration | None = None
    """How much of it is in the syringe."""
    mixed_for: Flow | None = None
    """Or the flow at which the first `infuse` phase is to run: the concentration follows, for each subject."""

    @model_validator(mode="after")
    def _mixed(self) -> Drug:
        if self.concentration is None and self.mixed_for is None:
            raise ProtocolError("", None, 'one of concentration = "0.98 mg/mL" and mixed_for = "25 mL/h"')
        return self


def _check_order(least: Quantity, most: Quantity) -> None:
    if least.value > most.value:
        raise ProtocolError("", f"{least.text} to {most.text}", "a range from the least to the most")


class WeightRange(Table):
    """For which body weights the protocol is."""

    from_: Weight = Field(alias="from")
    """The least."""
    to: Weight
    """The most."""

    @model_validator(mode="after")
    def _rises(self) -> WeightRange:
        _check_order(self.from_, self.to)
        return self


class AgeRange(Table):
    """For which ages the protocol is."""

    from_: Age = Field(alias="from")
    """The least."""
    to: Age
    """The most."""

    @model_validator(mode="after")
    def _rises(self) -> AgeRange:
        _check_order(self.from_, self.to)
        return self


class Subject(Table):
    """Whom the plan is for, as far as it matters."""

    weight: Weight | None = None
    """The body weight that holds unless --weight gives one."""
    age: Age | None = None
    """The age that holds unless --age gives one. No dose depends on it."""
    weight_range: WeightRange | None = None
    """Other weights are refused."""
    age_range: AgeRange | None = None
    """Other ages are refused."""


class Limits(Table):
    """What the whole protocol must stay below for any subject; a plan beyond them is refused."""

    rate: Rate | None = None
    """The highest rate of any phase but a bolus."""
    bolus: Dose | None = None
    """The largest bolus."""
    bolus_rate: Rate | None = None
    """The highest rate of any bolus."""
    dose_1h: Dose | None = None
    """The largest dose within any hour."""
    dose_4h: Dose | None = None
    """The largest dose within any four hours."""
    dose_24h: Dose | None = None
    """The largest dose within any 24 hours."""
    total: Dose | None = None
    """The largest dose of all phases."""


class Demand(Table):
    """A bolus that the subject asks for with the key of the pump."""

    bolus: Dose
    """Its dose."""
    over: Duration
    """How long it takes."""
    lockout: Interval
    """From the end of one to the next."""

    @model_validator(mode="after")
    def _fits_the_pump(self) -> Demand:
        for key, given, most_s in (("over", self.over, LONGEST_DEMAND_S), ("lockout", self.lockout, LONGEST_LOCKOUT_S)):
            if given.value > most_s:
                raise ProtocolError(key, given.text, f"at most {most_s // 3600} h")
        return self


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a protocol was read; no part of what it says, so that any two are equal."""

    file: str = ""
    text: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin)

    def __hash__(self) -> int:
        return 0


class Protocol(BaseModel):
    """A whole file. Two are equal that say the same, wherever they were read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    protocol: Header
    """What this file is, and where it comes from."""
    drug: Drug
    """What is in the syringe."""
    subject: Subject = Subject()
    """Whom the plan is for."""
    limits: Limits = Limits()
    """What the whole protocol must stay below."""
    demand: Demand | None = None
    """A bolus on request."""
    phase: Annotated[list[Phase], Field(min_length=1, max_length=MOST_PHASES)]
    """What flows, one phase after the other, each as [[phase]]."""

    _origin: Origin = PrivateAttr(default_factory=Origin)
    _stated: dict[places.Path, Stated] = PrivateAttr(default_factory=dict)

    @classmethod
    def read(cls, file_or_name: str | Path) -> Protocol:
        """The protocol in a TOML file, or the packaged one of that name. Raises ProtocolError."""
        from titrate.reading import read

        return read(file_or_name)

    def plan(
        self,
        weight: str | None = None,
        session: int | None = None,
        syringe: str = "bd-plastipak-50",
        age: str | None = None,
        board: str = "pico",
    ) -> Plan:
        """What will flow for a subject of this weight ("70 kg"). Raises ProtocolError."""
        from titrate.compiler import compile_plan

        return compile_plan(self, weight=weight, age=age, session=session, syringe=syringe, board=board)

    def toml(self) -> str:
        """The same protocol as the text of a file; comments are not kept."""
        from titrate.writing import text_of

        return text_of(self)

    def where(self, path: Sequence[str | int]) -> str:
        """A place in the file as messages name it: file, line and key path."""
        return places.where(self._origin.file, self._origin.text, path)

    def line_of(self, path: Sequence[str | int]) -> int:
        """Line of a place in the file."""
        return places.line_of(self._origin.text, path)

    @property
    def stated(self) -> Mapping[places.Path, Stated]:
        """What the file says of single values, by key path."""
        return self._stated

    @property
    def basis(self) -> str:
        """How the doses are stated: the units of the verbs as written, each once."""
        return ", ".join(dict.fromkeys(basis for _, phase in walk(self.phase) for basis in _bases(phase)))


def walk(phases: Sequence[Table], path: places.Path = ()) -> Iterator[tuple[places.Path, Table]]:
    """(key path, phase) of each phase, those within repeats included."""
    for index, phase in enumerate(phases):
        here = (*path, "phase", index)
        yield here, phase
        if isinstance(phase, Repeat):
            yield from walk(phase.phase, here)


def _bases(phase: Table) -> Iterator[str]:
    if isinstance(phase, Infuse):
        yield phase.infuse.unit_text
    elif isinstance(phase, Bolus):
        yield f"{phase.bolus.unit_text} over {phase.over.text}" if phase.over else phase.bolus.unit_text
    elif isinstance(phase, Ramp):
        yield from (phase.ramp.from_.unit_text, phase.ramp.to.unit_text)
    elif isinstance(phase, Staircase):
        yield from (phase.staircase.from_.unit_text, phase.staircase.to.unit_text)
