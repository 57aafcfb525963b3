"""Follows an infusion that is under way: every status goes into the session and its record, through a lost link too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from pump.core.alarms import ALARMS, EFFECT, KEEP
from pump.core.units import MS_PER_S
from titrate.calibration import of_syringe
from titrate.client import Pump, Status
from titrate.errors import LinkError
from titrate.plan import Plan
from titrate.program import Program, plan_of
from titrate.record import Recorder
from titrate.session import COMPLETE, Alarm, Session

LOST = ("POWER_INTERRUPTED", "WATCHDOG_RESET")  # alarms after which there is no program any more


def waits_for(status: Status) -> list[str] | None:
    """The alarms for which a pump with a program waits until somebody acts; none of them: it is paused. None: it goes
    on by itself, or has no program."""
    if status["state"] not in ("PAUSED", "ALARM", "KVO"):
        return None
    return [name for name in status["alarms"] if ALARMS[name][EFFECT] < KEEP]


def ended(status: Status) -> str | None:
    """How the infusion has ended: complete, stopped or alarm. None: it has not."""
    names = status["alarms"]
    if COMPLETE in names:
        return "complete"
    if status["state"] == "FAULT" or any(name in names for name in LOST):
        return "alarm"
    return "stopped" if status["state"] in ("BOOT", "IDLE", "READY") else None


class Bench(Protocol):
    """What a simulated port carries: the open end of the line, and hands."""

    simulated: bool
    seed: int

    @property
    def delivered_ul(self) -> float: ...
    def change_syringe(self) -> None: ...


def bench_of(pump: Pump) -> Bench | None:
    """The bench around a simulated pump."""
    bench: Bench | None = getattr(pump.port, "bench", None)
    return bench


def new_session(pump: Pump, plan: Plan, from_ml: float = 0.0) -> Session:
    """A session without a sample, of a plan on a pump."""
    bench = bench_of(pump)
    simulated = bool(bench and bench.simulated)
    session = Session(plan, pump.hello, simulated, bench.seed if bench else None, from_ml=from_ml)
    session.target = str(pump.port.port)
    session.library = pump.library_digest()
    session.calibration = of_syringe(pump.calibration(), plan.syringe)
    return session


class Follower:
    """session: is filled. tell: is told of a lost link in words. bench: what measures what is delivered. record: is
    written, if there is one."""

    def __init__(
        self,
        pump: Pump,
        session: Session,
        tell: Callable[[str], None],
        bench: Bench | None = None,
        record: Recorder | None = None,
    ) -> None:
        self._pump = pump
        self._tell = tell
        self._session = session
        self._record = record
        self._last_ms: int | None = None
        self._active: dict[str, Alarm] = {}
        self._bench = bench
        self._before_ul = bench.delivered_ul if bench else 0.0
        if record:
            pump.on_event = record.event

    def statuses(self) -> Iterator[Status]:
        """Every status that the pump sends. A lost link is opened again; LinkError when it stays lost."""
        while True:
            try:
                status = self._pump.wait_status()
            except LinkError as error:
                status = self._find_again(error)
            self.take(status)
            yield status

    def take(self, status: Status) -> None:
        """One more status: samples, alarms."""
        session, bench = self._session, self._bench
        if self._last_ms is not None and status["time_ms"] > self._last_ms:  # a reset begins at 0
            session.device_seconds += (status["time_ms"] - self._last_ms) / MS_PER_S
        self._last_ms = status["time_ms"]
        delivered_ul = bench.delivered_ul - self._before_ul if bench else None
        session.sample(status["infused_ms"], status["counted_nl"], delivered_ul)
        self._note_alarms(status["alarms"])
        if self._record:
            self._record.sample(session.device_seconds, status, delivered_ul)

    def _find_again(self, error: LinkError) -> Status:
        """The status behind a lost link; raises LinkError if the pump stays lost or was given another program."""
        self._note(f"link lost: {error}")
        status = self._pump.reconnect()
        if self._pump.program()[2] != self._session.digest:
            raise LinkError(f"{self._pump.port.port}: the pump was given another program while the link was lost")
        self._note("link found again")
        return status

    def _note(self, text: str) -> None:
        self._tell(text)
        if self._record:
            self._record.note(text)

    def _note_alarms(self, names: list[str]) -> None:
        now_s = self._session.device_seconds
        for name in names:
            if name not in self._active and name != COMPLETE:
                self._active[name] = Alarm(name, now_s)
                self._session.alarms.append(self._active[name])
        for name in [name for name in self._active if name not in names]:
            self._active.pop(name).cleared_s = now_s


def program_held(pump: Pump) -> Program:
    """The program that the pump was given last, with the plan that it is."""
    header, phases, _ = pump.program()
    return Program(plan_of(header, phases), header, phases)


def watch(
    pump: Pump,
    program: Program,
    see: Callable[[Status], None],
    tell: Callable[[str], None],
    record: Recorder | None = None,
) -> Session:
    """Follows the program that is under way to its end, and asks nothing of the pump; how it went from now on.

    KeyboardInterrupt ends the watching: then the outcome is "running".
    """
    session = new_session(pump, program.plan)
    session.digest = program.digest
    if record:
        record.begin(session, program)
    follower = Follower(pump, session, tell, record=record)
    status = pump.status()
    follower.take(status)
    outcome = ended(status)
    try:
        statuses = follower.statuses()
        while outcome is None:
            status = next(statuses)
            see(status)
            outcome = ended(status)
    except KeyboardInterrupt:
        outcome = "running"
    session.outcome = outcome
    return session
