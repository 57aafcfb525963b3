"""A session as a file that grows while it runs: one JSON object a line (JSONL). docs/records.md says what is in it.

Each line goes to the file at once, so that whatever cuts the session off leaves all but its last moment.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from titrate.errors import ProtocolError

if TYPE_CHECKING:
    from titrate.client import Event, Status
    from titrate.program import Program
    from titrate.session import Session

FORMAT = 1
MOST_SAMPLES = 14400  # about: one a second for four hours, and further apart in a longer plan
# What a sample tells, in this order; a line of names in each would make the file five times as long.
FIELDS = (
    "time_s", "infused_ms", "state", "phase", "rate_nl_h", "asked_steps", "counted_steps", "counted_nl",
    "delivered_ul", "remaining_nl", "pressure_pa", "alarms",
)  # fmt: skip
SLACK_S = 0.05  # statuses come once a second, by a clock of 100 ms
WHERE = "--record"


class Recorder:
    """Writes one session. Raises ProtocolError for a path that exists, or cannot be written."""

    def __init__(self, path: str | Path) -> None:
        try:
            self._file = Path(path).open("x", encoding="utf-8", buffering=1)  # noqa: SIM115  # open as long as this is
        except FileExistsError:
            raise ProtocolError(WHERE, path, "a file that is not there yet: no record is written over") from None
        except OSError as error:
            raise ProtocolError(WHERE, path, f"a place that can be written ({error.strerror})") from None
        self._every_s = 0.0
        self._last_s = 0.0
        self._shown: tuple[Any, ...] = ("", -1, ())
        self._skipped: list[Any] | None = None  # the newest sample, if it is not in the file

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def begin(self, session: Session, program: Program) -> None:
        """The header: all that a report needs to know about the session."""
        plan = session.plan
        self._every_s = max(1.0, float(plan.duration_s) / MOST_SAMPLES)
        self._write(
            "header",
            format=FORMAT,
            begun=datetime.now(UTC).isoformat(timespec="seconds"),
            target=session.target,
            simulated=session.simulated,
            seed=session.seed,
            titrate=version("titrate"),
            hello=session.hello,
            library=session.library,
            digest=program.digest,
            program=program.header,
            phases=program.phases,
            plan=plan.as_json() | {"title": plan.title, "syringe": plan.syringe, "code": plan.code},
            from_ml=session.from_ml,
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
            if name not in before:
                self._write("alarm", time_s=round(time_s, 3), name=name, raised=True)
        for name in before:
            if name not in now:
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
        self._file.write(json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n")
