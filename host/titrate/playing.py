"""Plays a plan on a pump, from the fitted syringe to the last step.

It shows nothing and asks nobody: an attendant is told of every status, and answers when the pump waits for somebody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pump.core.alarms import ALARMS, LATCH, LATCHING
from pump.core.units import MS_PER_S
from titrate.client import Overrides, Pump, Status, unneeded
from titrate.errors import MAY_MOVE, LinkError, PumpError, Refused
from titrate.following import Follower, bench_of, ended, new_session, waits_for
from titrate.plan import Plan, nominal_nl
from titrate.record import Recorder
from titrate.session import Session

DIGEST_BEGIN = 16  # hex digits of the firmware's digest that a program names
GO_ON, STOP, GIVE_UP = "go on", "stop", "give up"  # what an attendant answers; None: not yet
CLOCK_EVERY_S = 3600
NEW_SYRINGE = ("SYRINGE_EMPTY", "RESERVOIR_LOW")  # alarms that end with a newly declared syringe


class Attendant(Protocol):
    """Who stands at the pump: a person, the hands of a bench, or nobody."""

    def see(self, status: Status) -> None:
        """Told of every status."""

    def tell(self, text: str) -> None:
        """Told what else happens: a lost link, and that it was found again."""

    def attend(self, waiting: list[str], refusal: str) -> str | None:
        """The pump waits for somebody, because of these alarms or, without any, because it is paused.

        refusal: why the last GO_ON was refused. Asked at every status until the answer is not None.
        """


class Nobody:
    """Lets a pump go on by itself, and gives up where it cannot."""

    def see(self, status: Status) -> None: ...

    def tell(self, text: str) -> None: ...

    def attend(self, waiting: list[str], refusal: str) -> str | None:
        return GIVE_UP if waiting else None


class BenchHands(Nobody):
    """Changes empty syringes on a simulated bench, and does nothing else."""

    def __init__(self, change_syringe: Callable[[], None]) -> None:
        self._change_syringe = change_syringe

    def attend(self, waiting: list[str], refusal: str) -> str | None:
        if waiting and set(waiting) <= set(NEW_SYRINGE) and not refusal:
            self._change_syringe()
            return GO_ON
        return super().attend(waiting, refusal)


class Player:
    """Loads a plan, starts it and follows it to its end. session: what came out so far.

    record: is written. from_ml: what was delivered of the whole, if the plan is the rest of one.
    """

    def __init__(
        self, pump: Pump, plan: Plan, attendant: Attendant, record: Recorder | None = None, from_ml: float = 0.0
    ) -> None:
        self._pump = pump
        self._plan = plan
        self._attendant = attendant
        self._fill_nl = nominal_nl(plan.syringe)
        self._refusal = ""
        self._timed_s = 0.0  # device seconds when the pump was told the time last
        self.session = new_session(pump, plan, from_ml)
        self.session.begin(bench_of(pump) is not None)
        self._follower = Follower(pump, self.session, attendant.tell, bench_of(pump), record)
        self._record = record
        self._program = plan.program

    def load(self) -> str:
        """Declares the syringe and stores the program; the digest that `play` confirms. Nothing moves.

        The program names the plan's entry of the drug library, if the pump has a library.
        """
        self._pump.syringe(self._plan.syringe, self._fill_nl)
        session = self.session
        hello = self._pump.hello
        program = self._plan.program(
            code=self._plan.code if session.library else "",
            pump=hello["serial"],
            firmware=hello["firmware"][:DIGEST_BEGIN],
            library=self._pump.status()["library"],
        )
        session.digest = self._pump.load(*program)
        self._program = program
        return session.digest

    def play(self, digest: str, overrides: Overrides = (), until_s: float | None = None) -> Session:
        """Confirms, starts, and follows. On KeyboardInterrupt the pump is stopped and the session returned; on an error
        of the host's own, such as a terminal that is gone, it is stopped and the error raised.

        overrides: of soft limits, see Pump.confirm. until_s: infusion time at which the pump is stopped.
        """
        pump, session = self._pump, self.session
        pump.tell_time()
        pump.confirm(digest, overrides)
        if overrides:
            for text in unneeded(overrides, pump.status()["overrides"]):
                self._attendant.tell(f"warning: {text}")
        try:
            self._start()
            if self._record:
                self._record.begin(session, self._program)
            for status in self._follower.statuses():
                self._attendant.see(status)
                self._tell_time()
                if self._is_over(status):
                    return session
                if until_s is not None and status["infused_ms"] >= until_s * MS_PER_S:
                    self._stop()
                    return session
        except KeyboardInterrupt:
            self._stop()
        except PumpError:  # the pump was lost, or has said no: it is not stopped for that
            raise
        except BaseException:
            self._stop()
            raise
        return session

    def _start(self) -> None:
        try:
            self._pump.start()
        except LinkError as error:  # whether the request or its reply was lost, nobody knows
            raise type(error)(f"{error}; {MAY_MOVE}") from error

    def _tell_time(self) -> None:
        """Once an hour, so that the pump's log shows how its clock drifts. Not to a simulated one: it has no time of
        day."""
        now_s = self.session.device_seconds
        if not self.session.simulated and now_s - self._timed_s >= CLOCK_EVERY_S:
            self._timed_s = now_s
            self._pump.tell_time()

    def _stop(self) -> None:
        try:
            self._pump.stop()
        except LinkError:
            self._attendant.tell("the link is lost, and the pump goes on: stop it at its own key")
            self._pump.reconnect()
            self._pump.stop()
        self._follower.take(self._pump.status())

    def _is_over(self, status: Status) -> bool:
        """Acts on what only a person or a bench can do; whether the session has ended."""
        session, pump = self.session, self._pump
        outcome = ended(status)
        if outcome:
            session.outcome = outcome
            if outcome == "complete":
                pump.acknowledge()
            return True
        if [name for name in status["alarms"] if ALARMS[name][LATCH] == LATCHING] == ["LINK_LOST"]:
            pump.acknowledge()  # the host is here again, and nothing else asks for a person
        waiting = waits_for(status)
        if waiting is None:
            self._refusal = ""
            return False
        answer = self._attendant.attend(waiting, self._refusal)
        if answer == GO_ON:
            self._go_on(waiting)
        elif answer:
            session.outcome = "alarm" if answer == GIVE_UP else "stopped"
            self._stop()
        return answer in (STOP, GIVE_UP)

    def _go_on(self, waiting: list[str]) -> None:
        """A person has seen to it: acknowledges and resumes. The pump may say no: then the refusal is kept."""
        pump = self._pump
        try:
            if set(waiting) & set(NEW_SYRINGE):
                if pump.state == "KVO":  # no syringe is changed while the motor runs
                    pump.pause()
                pump.syringe(self._plan.syringe, self._fill_nl)
                self.session.syringes_fitted += 1
            if "RESERVOIR_LOW" in waiting:  # the pump looks at the low mark once a second
                for _ in range(2):
                    pump.wait_status()
            if waiting:
                pump.acknowledge()
            pump.resume()
            self._refusal = ""
        except Refused as refused:
            self._refusal = refused.reason
        except LinkError as error:  # what was done by then, the next status shows
            self._refusal = str(error)
