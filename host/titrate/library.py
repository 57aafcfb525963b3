"""Drug library files: what a TOML file may say, and what follows from it in the pump's integers.

The numbers themselves are judged by pump.core.library, the very code that judges them again in the pump. To add a word
to the language, add a field to Entry here and to ENTRY there, and to _PLAIN what joins them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from pump.core import library as core
from pump.core import units, wire
from titrate import places, quantities, textfiles
from titrate.errors import ProtocolError
from titrate.quantities import Kind, Quantity, decimal

NO_LIMIT = "none"

_TINY = Fraction(1, 1_000_000)
FLOW = Kind("a flow", {"mL/h": (_TINY, Fraction(10_000))}, '"25 mL/h"')
DOSE_RATE = Kind("a dose rate", {"mg/kg/h": (_TINY, Fraction(10_000))}, '"0.35 mg/kg/h"')
VOLUME = Kind("a volume", {"mL": (_TINY, Fraction(100_000))}, '"0.5 mL"')
DOSE = Kind("a dose for each kilogram", {"mg/kg": (_TINY, Fraction(100_000))}, '"0.5 mg/kg"')
CONCENTRATION = Kind("a concentration", {"mg/mL": (_TINY, Fraction(1000))}, '"0.98 mg/mL"')
SPAN = Kind(
    "a time up to 240 h", {"s": (Fraction(1), Fraction(wire.MAX_PHASE_MS, units.MS_PER_S))}, '"6 min" or "24 h"'
)

# Canonical unit here: how many of the wire's unit it is.
SCALES = {
    "mL/h": units.NL_PER_ML,
    "mL": units.NL_PER_ML,
    "mg/kg/h": units.NG_PER_MG,
    "mg/kg": units.NG_PER_MG,
    "mg/mL": units.NG_PER_MG,
    "s": units.MS_PER_S,
}


def _quantity(kind: Kind) -> BeforeValidator:
    def read(given: object) -> Quantity | None:
        if given == NO_LIMIT:
            return None
        found = quantities.parse(given, kind, zero=True)
        if (found.value * SCALES[found.unit]).denominator != 1:
            smallest = f"{decimal(Fraction(1, SCALES[found.unit]))} {found.unit}"
            raise ProtocolError("", given, f"a multiple of {smallest}, the pump's own unit")
        return found

    return BeforeValidator(read)


# None is "none": nothing is asked of the value.
Flow = Annotated[Quantity | None, _quantity(FLOW)]
DoseRate = Annotated[Quantity | None, _quantity(DOSE_RATE)]
Volume = Annotated[Quantity | None, _quantity(VOLUME)]
Dose = Annotated[Quantity | None, _quantity(DOSE)]
Concentration = Annotated[Quantity | None, _quantity(CONCENTRATION)]
Duration = Annotated[Quantity | None, _quantity(SPAN)]
Line = Annotated[str, Field(min_length=1, max_length=2000)]


class Table(BaseModel):
    """Any table of the file: every key is needed, unknown ones are refused, types are not guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Flows(Table):
    """Five limits in mL/h. A program beyond a soft one needs an override, beyond a hard one it is refused."""

    hard_low: Flow
    soft_low: Flow
    typical: Flow
    soft_high: Flow
    hard_high: Flow


class DoseRates(Table):
    """Five limits in mg/kg/h."""

    hard_low: DoseRate
    soft_low: DoseRate
    typical: DoseRate
    soft_high: DoseRate
    hard_high: DoseRate


class Volumes(Table):
    """Five limits in mL."""

    hard_low: Volume
    soft_low: Volume
    typical: Volume
    soft_high: Volume
    hard_high: Volume


class Doses(Table):
    """Five limits in mg/kg."""

    hard_low: Dose
    soft_low: Dose
    typical: Dose
    soft_high: Dose
    hard_high: Dose


class Concentrations(Table):
    """What the entry is for, and the span of what it takes."""

    low: Concentration
    typical: Concentration
    high: Concentration


class Totals(Table):
    """Least and most volume of a whole program."""

    low: Volume
    high: Volume


class DoseLimit(Table):
    """Most that is given within a rolling window."""

    soft: Dose
    hard: Dose


class BolusUse(Table):
    """Boluses on request: interval from the end of one, how many within a window, and what happens without room."""

    lockout: Duration
    count: Annotated[int, Field(ge=0, le=32)]
    window: Duration
    policy: Literal["refuse", "reduce"]


class Hold(Table):
    """The rate that keeps the line open after the end or for an alarm, and its bounds."""

    rate: Flow
    volume: Volume
    time: Duration


class NearEmpty(Table):
    """The low mark of the syringe, and whether the pump then drops to the hold rate or keeps its own."""

    volume: Volume
    action: Literal["hold", "keep"]


class Entry(Table):
    """[[entry]]: one drug in one use. note: why its numbers are what they are; it stays in the file."""

    drug: Annotated[str, Field(max_length=40, pattern=r"^(\*|[A-Za-z0-9][A-Za-z0-9 ()+.-]*)$")]
    code: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    profile: Literal["small-volume", "large-volume"]
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    date: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    author: Annotated[str, Field(min_length=1, max_length=40)]
    concentration: Concentrations
    rate: Flows
    dose_rate: DoseRates
    loading: Doses
    loading_rate: Flows
    bolus: Volumes
    bolus_rate: Flows
    dose_1h: DoseLimit
    dose_4h: DoseLimit
    dose_24h: DoseLimit
    total: Totals
    longest_phase: Duration
    boluses: BolusUse
    hold: Hold
    near_empty: NearEmpty
    note: Line | None = None

    def on_the_wire(self) -> Iterator[tuple[str, int | str, tuple[str, ...]]]:
        """(field of core.ENTRY, value, key path below the entry) of each."""
        for name in ("drug", "code", "profile", "version", "date", "author"):
            yield name, getattr(self, name), (name,)
        for stem, unit, _ in core.LIMITS:
            for side in core.SIDES:
                yield self._whole(f"{stem}_{side}_{unit}", stem, side)
        for hours in core.WINDOWS_H:
            for severity in ("soft", "hard"):
                yield self._whole(f"dose_{hours}h_{severity}_ng_kg", f"dose_{hours}h", severity)
        for field, *path in _PLAIN:
            yield self._whole(field, *path)

    def _whole(self, field: str, *path: str) -> tuple[str, int | str, tuple[str, ...]]:
        """The value at a key path in the wire's unit; "none" is the end of the field's span at which nothing counts."""
        value: Any = self
        for key in path:
            value = getattr(value, key)
        if isinstance(value, Quantity):
            value = int(value.value * SCALES[value.unit])
        elif value is None:
            _, least, most = core.ENTRY[field]
            value = least if "low" in path[-1] or path[-1] == "typical" else most
        return field, value, path


# field of the wire, and its key path below an entry
_PLAIN = (
    ("concentration_low_ng_ml", "concentration", "low"),
    ("concentration_ng_ml", "concentration", "typical"),
    ("concentration_high_ng_ml", "concentration", "high"),
    ("total_low_nl", "total", "low"),
    ("total_high_nl", "total", "high"),
    ("longest_phase_ms", "longest_phase"),
    ("bolus_lockout_ms", "boluses", "lockout"),
    ("bolus_count", "boluses", "count"),
    ("bolus_window_ms", "boluses", "window"),
    ("bolus_policy", "boluses", "policy"),
    ("kvo_nl_h", "hold", "rate"),
    ("kvo_nl", "hold", "volume"),
    ("kvo_ms", "hold", "time"),
    ("near_empty_nl", "near_empty", "volume"),
    ("near_empty_action", "near_empty", "action"),
)


class LibraryFile(BaseModel):
    """A whole file. `library` is what the pump holds of it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    entry: Annotated[list[Entry], Field(min_length=1, max_length=core.MOST_ENTRIES)]

    _library: core.Library = PrivateAttr()

    @property
    def library(self) -> core.Library:
        """The entries in the wire's integers, sorted, with their digest."""
        return self._library

    @property
    def notes(self) -> dict[str, str]:
        """code: why an entry's numbers are what they are."""
        return {entry.code: entry.note for entry in self.entry if entry.note}


def packaged() -> list[str]:
    """Names of the libraries that come with the package, sorted."""
    return textfiles.packaged("libraries")


def read(file_or_name: str | Path) -> LibraryFile:
    """The library in a TOML file, or the packaged one of that name. Raises ProtocolError."""
    return parse(textfiles.text_of(file_or_name, "libraries", "library file"), str(file_or_name))


def parse(text: str, file: str = "library") -> LibraryFile:
    """The library in a TOML text; `file` names it in messages. Raises ProtocolError."""
    document = textfiles.document_of(text, file)
    try:
        found = LibraryFile.model_validate(document)
    except ValidationError as error:
        raise _first_complaint(error, text, file) from None
    entries = []
    codes: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(found.entry):
        fields = list(entry.on_the_wire())
        wrong = core.fault({name: value for name, value, _ in fields})
        if wrong:
            field, _, allowed = wrong
            path = next(path for name, _, path in fields if name == field)
            raise ProtocolError(places.where(file, text, ("entry", index, *path)), _given(entry, path), allowed)
        first = codes.setdefault((entry.drug, entry.code), index)
        if first != index:
            allowed = f"a code of its own for each entry of {entry.drug}; entry[{first}] has this one"
            raise ProtocolError(places.where(file, text, ("entry", index, "code")), entry.code, allowed)
        entries.append({name: value for name, value, _ in fields})
    found._library = core.Library(entries)
    return found


def differences(before: core.Library, after: core.Library) -> list[dict[str, Any]]:
    """What changes from one library to another: {drug, code, field, before, after}; field None for whole entries."""
    olds = {(entry["drug"], entry["code"]): entry for entry in before.entries}
    news = {(entry["drug"], entry["code"]): entry for entry in after.entries}
    found: list[dict[str, Any]] = []
    for key in sorted(olds.keys() | news.keys()):
        old, new = olds.get(key), news.get(key)
        place = {"drug": key[0], "code": key[1]}
        if old is None or new is None:
            versions = {"before": old and old["version"], "after": new and new["version"]}
            found.append(place | {"field": None} | versions)
            continue
        for name in core.FIELDS:
            if old[name] != new[name]:
                found.append(place | {"field": name, "before": old[name], "after": new[name]})
    return found


def _given(entry: Entry, path: Sequence[str]) -> object:
    """What stands in the file at a key path."""
    value: Any = entry
    for key in path:
        value = getattr(value, key)
    return NO_LIMIT if value is None else value.text if isinstance(value, Quantity) else value


def _first_complaint(error: ValidationError, text: str, file: str) -> ProtocolError:
    complaint = error.errors(include_url=False)[0]
    path: Sequence[str | int] = complaint["loc"]
    where = places.where(file, text, path)
    inner = complaint.get("ctx", {}).get("error")
    if isinstance(inner, ProtocolError):
        return ProtocolError(where, inner.value, inner.allowed)
    if complaint["type"] == "missing":
        return ProtocolError(where, None, f"the key `{path[-1]}` is needed here")
    if complaint["type"] == "extra_forbidden":
        return ProtocolError(where, "this key", f"the keys {', '.join(_keys(path))}")
    return ProtocolError(where, complaint["input"], _one_line(complaint["msg"]).removeprefix("Input should be "))


def _keys(path: Sequence[str | int]) -> list[str]:
    """The keys that the table around a place has."""
    model: type[BaseModel] = LibraryFile
    for item in path[:-1]:
        if item == "entry":
            model = Entry
        elif isinstance(item, str):
            kind = model.model_fields[item].annotation
            model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else model
    return list(model.model_fields)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
