"""A session as a file that grows while it runs: one JSON object a line (JSONL). docs/records.md says what is in it.

Each line goes to the file at once, so that whatever cuts the session off leaves all but its last moment.
"""

from __future__ import annotations

import json
import os
from array import array
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from pump.core import wire
from pump.core.alarms import ALARMS
from pump.core.units import MS_PER_S, NL_PER_ML
from titrate import textfiles
from titrate.errors import ProtocolError
from titrate.session import COMPLETE, UL_PER_ML, Alarm, Session

Array = NDArray[np.float64]

if TYPE_CHECKING:
    from titrate.client import Event, Status
    from titrate.plan import Plan
    from titrate.program import Program

FORMAT = 1
CUT_OFF = "cut off"  # the outcome of a record that has none
MOST_SAMPLES = 14400  # about: one a second for four hours, and further apart in a longer plan
# What a sample tells, in this order; a line of names in each would make the file five times as long.
FIELDS = (
    "time_s", "infused_ms", "state", "phase", "rate_nl_h", "asked_steps", "counted_steps", "counted_nl",
    "delivered_ul", "remaining_nl", "pressure_pa", "alarms",
)  # fmt: skip
# What a header has to have for a page to be made.
HEADER = {
    "begun", "target", "simulated", "seed", "titrate", "hello", "library", "digest", "program", "phases", "plan",
    "from_ml", "from_start", "every_s",
}  # fmt: skip
HELLO = {"board", "serial", "firmware", "wire"}
ENDS = ("complete", "stopped", "alarm", "running")
SLACK_S = 0.05  # statuses come once a second, by a clock of 100 ms
WHERE = "--record"


class Recorder:
    """Writes one session to `path`. Raises ProtocolError for a path that exists, or cannot be written.

    The file begins with the session: what is refused before it leaves none. failed: why the record ends early, if it
    does; the session goes on without it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.exists():
            raise ProtocolError(WHERE, path, "a file that is not there yet: no record is written over")
        if not os.access(self.path.resolve().parent, os.W_OK):
            raise ProtocolError(WHERE, path, "a place that can be written")
        self._file: TextIO | None = None
        self.failed = "nothing was begun"
        self._every_s = 0.0
        self._last_s = 0.0
        self._shown: tuple[Any, ...] = ("", -1, ())
        self._skipped: list[Any] | None = None  # the newest sample, if it is not in the file

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file:
            self._file.close()

    def begin(self, session: Session, program: Program) -> None:
        """The header: all that a report needs to know about the session."""
        plan = session.plan
        try:
            self._file = self.path.open("x", encoding="utf-8", buffering=1)
            self.failed = ""
        except OSError as error:
            self.failed = error.strerror or str(error)
        self._every_s = max(1.0, float(plan.duration_s) / MOST_SAMPLES)
        self._write(
            "header",
            format=FORMAT,
            begun=datetime.now(UTC).isoformat(timespec="seconds"),
            target=session.target,
            simulated=session.simulated,
            seed=session.seed,
            titrate=wire.VERSION,
            hello=session.hello,
            library=session.library,
            calibration=session.calibration,
            digest=program.digest,
            program=program.header,
            phases=program.phases,
            plan=plan.as_json() | {"title": plan.title, "syringe": plan.syringe, "code": plan.code},
            from_ml=session.from_ml,
            from_start=session.from_start,
            sample=FIELDS,
            every_s=self._every_s,
        )

    def sample(self, time_s: float, status: Status, delivered_ul: float | None) -> None:
        """A status, if it tells something new or enough time has passed. time_s: device time since the start."""
        shown = (status["state"], status["phase"], tuple(status["alarms"]))
        values = status | {"time_s": round(time_s, 3), "delivered_ul": delivered_ul and round(delivered_ul, 4)}
        self._skipped = [values[name] for name in FIELDS]
        if shown != self._shown or time_s - self._last_s >= self._every_s - SLACK_S:
            self._changes(time_s, self._shown[2], shown[2])
            self._shown, self._last_s = shown, time_s
            self._keep()

    def _keep(self) -> None:
        if self._skipped:
            self._line(self._skipped)
            self._skipped = None

    def _changes(self, time_s: float, before: tuple[str, ...], now: tuple[str, ...]) -> None:
        for name in now:
            if name not in before and name != COMPLETE:
                self._write("alarm", time_s=round(time_s, 3), name=name, raised=True)
        for name in before:
            if name not in now and name != COMPLETE:
                self._write("alarm", time_s=round(time_s, 3), name=name, raised=False)

    def event(self, event: Event) -> None:
        """An entry of the pump's log."""
        self._write("event", **event)

    def note(self, text: str) -> None:
        """Something that the host has to say: a lost link, a person's answer."""
        self._write("note", time_s=round(self._last_s, 3), text=text)

    def end(self, document: dict[str, Any]) -> None:
        """The last line: the document of `titrate play --json`."""
        self._keep()
        self._write("outcome", **document)

    def _write(self, what: str, **values: Any) -> None:
        self._line({"what": what} | values)

    def _line(self, data: Any) -> None:
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n")
        except OSError as error:
            self.failed = error.strerror or str(error)
            self._file = None


@dataclass(frozen=True)
class Record:
    """A record that was read. header: its first line. samples: by the names of FIELDS, equally long.

    events: of the pump's log. notes: of the host. outcome: the document of `titrate play --json`; None if the record
    was cut off. The properties are arrays of floats, one value a sample.
    """

    header: dict[str, Any]
    samples: dict[str, list[Any]]
    alarms: list[Alarm] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    outcome: dict[str, Any] | None = None

    @classmethod
    def read(cls, path: str | Path) -> Record:
        """A record from its file. What a cut left of a last line is passed over. Raises ProtocolError with file and
        line for anything else that is no record of format 1.
        """
        return _read(Path(path))

    @property
    def time_s(self) -> Array:
        """Device time since the start."""
        return self._column("time_s", 1)

    @property
    def infused_s(self) -> Array:
        """Infusion time: stands still while the pump waits."""
        return self._column("infused_ms", MS_PER_S)

    @property
    def rate_ml_h(self) -> Array:
        return self._column("rate_nl_h", NL_PER_ML)

    @property
    def counted_ml(self) -> Array:
        return self._column("counted_nl", NL_PER_ML)

    @property
    def delivered_ml(self) -> Array:
        """What left the line; NaN where nothing measured it."""
        return self._column("delivered_ul", UL_PER_ML)

    @property
    def pressure_kpa(self) -> Array:
        return self._column("pressure_pa", 1000)

    @property
    def plan(self) -> Plan:
        """The plan that was played, from the program that the pump held."""
        from titrate.program import plan_of

        said = self.header["plan"]
        plan = plan_of(self.header["program"], self.header["phases"])
        return replace(
            plan,
            title=said["title"],
            warnings=tuple(said["warnings"]),
            sources=tuple(said["sources"]),
            code=said["code"],
        )

    @property
    def session(self) -> Session:
        """The session as it stood at the last sample."""
        header = self.header
        outcome = self.outcome or {"outcome": CUT_OFF, "syringes_fitted": 1}
        samples = self.samples
        session = Session(
            self.plan,
            header["hello"],
            simulated=header["simulated"],
            seed=header["seed"],
            target=header["target"],
            digest=header["digest"],
            library=header["library"],
            calibration=header.get("calibration"),
            from_ml=header["from_ml"],
            outcome=outcome["outcome"],
            alarms=list(self.alarms),
            device_seconds=samples["time_s"][-1] if samples["time_s"] else 0.0,
            syringes_fitted=outcome["syringes_fitted"],
        )
        if header["from_start"]:
            session.begin(samples["delivered_ul"][:1] != [None])
        columns = (samples[name] for name in ("infused_ms", "counted_nl", "delivered_ul"))
        for infused_ms, counted_nl, delivered_ul in zip(*columns, strict=True):
            session.sample(infused_ms, counted_nl, delivered_ul)
        return session

    def _column(self, name: str, divisor: int) -> Array:
        return np.array(self.samples[name], dtype=np.float64) / divisor


def _read(path: Path) -> Record:
    try:
        lines = path.read_text(encoding=textfiles.ENCODING).split("\n")
    except OSError as error:
        raise ProtocolError(str(path), None, f"a record that can be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ProtocolError(str(path), "these bytes", "a record, which is text in UTF-8") from None
    record: Record | None = None
    active: dict[str, Alarm] = {}
    for number, line in enumerate(lines[:-1], 1):  # behind the last newline is what a cut left, or nothing
        try:
            data = json.loads(line)
            if record is None:
                record = _begun(data)
            elif isinstance(data, list):
                _note_sample(record, data)
            elif data["what"] == "alarm":
                if str(data["name"]) not in ALARMS:
                    allowed = "an alarm that this version of titrate knows; a newer one may have written the record"
                    raise ProtocolError(f"{path}, line {number}", data["name"], allowed)
                _note_alarm(record, active, data)
            elif data["what"] == "event":
                record.events.append(data)
            elif data["what"] == "note":
                record.notes.append(data)
            elif data["what"] == "outcome":
                if data["outcome"] not in ENDS or type(data["syringes_fitted"]) is not int:
                    raise ValueError
                record = replace(record, outcome=data)
        except ProtocolError:
            raise
        except (ValueError, KeyError, TypeError, ArithmeticError):
            raise ProtocolError(f"{path}, line {number}", line, f"a line of a record of format {FORMAT}") from None
    if record is None:
        raise ProtocolError(str(path), None, "a record with at least its header")
    return record


def _begun(header: dict[str, Any]) -> Record:
    """The record that begins with this header. Raises ValueError, KeyError or TypeError for one that nothing can be
    made of; its digest is of program and phases, so these are whole.
    """
    if header["what"] != "header" or header["format"] != FORMAT:
        raise ValueError
    if not (set(header) >= HEADER and set(header["hello"]) >= HELLO and set(header["sample"]) >= set(FIELDS)):
        raise ValueError
    if wire.program_digest(header["program"], header["phases"]) != header["digest"]:
        raise ValueError
    record = Record(header, {name: [] for name in header["sample"]})
    _ = record.plan
    return record


def _note_sample(record: Record, values: list[Any]) -> None:
    """Raises ValueError, TypeError or OverflowError for what a session cannot keep."""
    sample = dict(zip(record.samples, values, strict=True))
    array("q", (sample["infused_ms"], sample["counted_nl"]))
    array("d", (sample["time_s"], sample["delivered_ul"] or 0.0))
    for name, value in sample.items():
        record.samples[name].append(value)


def _note_alarm(record: Record, active: dict[str, Alarm], data: dict[str, Any]) -> None:
    if data["raised"]:
        active[data["name"]] = Alarm(data["name"], data["time_s"])
        record.alarms.append(active[data["name"]])
    else:
        active.pop(data["name"]).cleared_s = data["time_s"]
