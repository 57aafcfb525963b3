"""Bench files: what stands on a real bench and where it is plugged in, as TOML. Reads and judges; opens nothing.

Every key is in hil/benches/example.toml, with what it means. A complaint is a ProtocolError: where, value, allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hil.boards import board_names
from pump.core.syringes import SYRINGES
from titrate import places, textfiles
from titrate.errors import ProtocolError

MOST_RELAY = 31
LARGEST_BYTES = textfiles.LARGEST_BYTES


def _one_of(name: str, known: Sequence[str]) -> BeforeValidator:
    def check(value: object) -> object:
        if value not in known:
            raise ProtocolError("", value, f"a {name} that is known: {', '.join(known)}")
        return value

    return BeforeValidator(check)


BOARDS = tuple(board_names())
Syringe = Annotated[str, _one_of("syringe", tuple(SYRINGES))]
Board = Annotated[str, _one_of("board", BOARDS)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Relay = Annotated[int, Field(ge=0, le=MOST_RELAY)]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Plugged(Table):
    """Behind a serial port: `usb_serial` finds it wherever it is plugged in, `port` is a path or a pyserial url."""

    port: str | None = Field(None, min_length=1)
    usb_serial: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one_way_to_find_it(self) -> Self:
        if (self.port is None) == (self.usb_serial is None):
            given = "neither" if self.port is None else "both"
            raise ProtocolError("", given, 'either port = "/dev/..." or usb_serial = "..."')
        return self

    @property
    def at(self) -> str:
        """Where it is, as the file says it."""
        return self.port or f"USB serial number {self.usb_serial}"


class PumpTable(Plugged):
    board: Board = "pico"


class LineTable(Table):
    """volume_ul: from syringe to open end. compliance and resistance, where they were measured, are for the record."""

    volume_ul: Positive
    compliance_ul_kpa: Positive | None = None
    resistance_kpa_s_ul: Positive | None = None


class BalanceTable(Plugged):
    family: Literal["mt-sics", "sbi", "ohaus"]
    baud: Annotated[int, Field(ge=300, le=921600)] = 9600
    readability_g: Positive
    capacity_g: Positive
    evaporation_g_h: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    density_g_ml: Annotated[float, Field(ge=0.7, le=1.5)] = 0.998


class HandTable(Table):
    """by: "relay" with the number of one on the board of [relays], or "person", who is asked."""

    by: Literal["relay", "person"]
    relay: Relay | None = None
    inverted: bool = False

    @model_validator(mode="after")
    def _a_relay_has_a_number(self) -> Self:
        if (self.by == "relay") != (self.relay is not None):
            allowed = 'a relay\'s number for by = "relay"' if self.by == "relay" else 'no relay for by = "person"'
            raise ProtocolError("relay", self.relay, allowed)
        return self


class KeysTable(Table):
    """The relay across each key's contact. A key without one is pressed by nobody."""

    stop: Relay | None = None
    start: Relay | None = None
    bolus: Relay | None = None
    mute: Relay | None = None


class ObserverTable(Table):
    """Who looks at the pump's lamps and reads its display."""

    by: Literal["person"]


class SoundMeterTable(Table):
    """A meter that a person reads: what is written on it, for the report."""

    model: str = Field(min_length=1)
    serial_number: str = Field(min_length=1)


class LimitsTable(Table):
    """What the rig never asks of this bench, whatever a test says."""

    rate_ml_h: Positive
    pressure_kpa: Positive
    volume_ml: Positive


class BenchFile(Table):
    """A bench. None for an instrument that it does not have: tests that need it are skipped. Without `keys` a person is
    asked, as the pump wants a hand at it after each power-on."""

    name: str = Field(min_length=1)
    pump: PumpTable
    syringe: Syringe
    line: LineTable
    limits: LimitsTable
    balance: BalanceTable | None = None
    relays: Plugged | None = None
    occluder: HandTable | None = None
    power: HandTable | None = None
    link: HandTable | None = None
    guard: HandTable | None = None
    keys: KeysTable | None = None
    observer: ObserverTable | None = None
    sound_meter: SoundMeterTable | None = None

    @model_validator(mode="after")
    def _relays_exist_and_are_used_once(self) -> Self:
        used: dict[int, str] = {}
        for name, relay in self._relays_used():
            if self.relays is None:
                raise ProtocolError(name, f"relay {relay}", "a relay only where there is a table [relays]")
            if relay in used:
                raise ProtocolError(name, f"relay {relay}", f"a relay of its own; this one is used by [{used[relay]}]")
            used[relay] = name
        return self

    def _relays_used(self) -> list[tuple[str, int]]:
        hands = [(name, getattr(self, name)) for name in HANDS]
        found = [(name, hand.relay) for name, hand in hands if hand is not None and hand.relay is not None]
        keys = self.keys.model_dump() if self.keys else {}
        return found + [("keys", relay) for relay in keys.values() if relay is not None]


HANDS = ("occluder", "power", "link", "guard")


def read(path: str | Path) -> BenchFile:
    """The bench in a file. Raises ProtocolError."""
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ProtocolError("bench file", path, f"a file that can be read ({error})") from None
    if len(data) > LARGEST_BYTES:
        raise ProtocolError(str(path), "the file", f"at most {LARGEST_BYTES} bytes")
    try:
        return parse(data.decode(textfiles.ENCODING), str(path))
    except UnicodeDecodeError as error:
        raise ProtocolError(str(path), "the file", f"a text in UTF-8 ({error.reason})") from None


def parse(text: str, file: str = "bench") -> BenchFile:
    """The bench in a TOML text; `file` names it in messages. Raises ProtocolError."""
    document = textfiles.document_of(text, file)
    try:
        return BenchFile.model_validate(document)
    except ValidationError as error:
        raise _first_complaint(error, text, file) from None


def _first_complaint(error: ValidationError, text: str, file: str) -> ProtocolError:
    complaint = error.errors(include_url=False)[0]
    path = list(complaint["loc"])
    inner = complaint.get("ctx", {}).get("error")
    if isinstance(inner, ProtocolError):
        path += [inner.where] if inner.where else []
        return ProtocolError(places.where(file, text, path), inner.value, inner.allowed)
    where = places.where(file, text, path)
    if complaint["type"] == "missing":
        return ProtocolError(where, None, f"the key `{path[-1]}` is needed here")
    if complaint["type"] == "extra_forbidden":
        return ProtocolError(where, "this key", f"the keys {', '.join(_keys(path[:-1]))}")
    return ProtocolError(where, _shown(complaint["input"]), complaint["msg"].removeprefix("Input should be "))


def _shown(value: Any) -> object:
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else value


def _keys(path: Sequence[str | int]) -> list[str]:
    """Of the table at a path."""
    tables: dict[str, type[Table]] = {
        "pump": PumpTable,
        "line": LineTable,
        "limits": LimitsTable,
        "balance": BalanceTable,
        "relays": Plugged,
        "keys": KeysTable,
        "observer": ObserverTable,
        "sound_meter": SoundMeterTable,
    }
    for hand in HANDS:
        tables[hand] = HandTable
    return list(tables[str(path[0])].model_fields if path else BenchFile.model_fields)
