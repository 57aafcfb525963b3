"""A pump without a host: requests go to its controller itself, past client and link, and its parts are in reach."""

import copy
from types import SimpleNamespace
from typing import Any

from hil.mechanics import Mechanics
from hil.targets.simulated import Simulated
from pump.core import readings
from pump.core.controller import Controller
from tests.core.journals import served
from tests.programs import SYRINGE, header, sign_in

FILL_NL = 50_000_000


class Refused(Exception):
    """What was asked for is not done. code: of wire.py's errors. reason: in words."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class Pump:
    """Switched on, with an operator at it, and nothing loaded.

    target: the simulated pump with its parts, on an ideal syringe drive. heartbeats: whether a host is heard as time
    passes.
    """

    def __init__(self, heartbeats: bool = True) -> None:
        self.target = Simulated(Mechanics(SYRINGE))
        self.heartbeats = heartbeats
        sign_in(self.controller)

    @property
    def controller(self) -> Controller:
        """The one of now: each boot makes another."""
        return self.target.app.controller

    @property
    def state(self) -> str:
        return self.controller.state

    @property
    def alarms(self) -> list[str]:
        """In force, but for the one that a pump without a drug library always has."""
        found: list[str] = readings.status(self.controller)["alarms"]
        return [name for name in found if name != "LIBRARY_MISSING"]

    @property
    def log(self) -> list[list[Any]]:
        """[sequence, time_ms, kind, text] of every entry, the oldest first."""
        return served(self.controller.log, most=10_000)

    def told(self, kind: str) -> list[str]:
        """The texts of the log's entries of one kind."""
        return [entry[3] for entry in self.log if entry[2] == kind]

    @property
    def back_steps(self) -> int:
        """Pulses that went backward, of all that were made with the driver on."""
        mechanics = self.target.mechanics
        return (len(mechanics.step_times_us) - mechanics.idle_pulses - mechanics.steps) // 2

    def feel(self, pressure_pa: int) -> None:
        """From now on, until the next boot, the pressure input reads exactly this."""
        self.target.app._pressure = SimpleNamespace(pascal=lambda: pressure_pa)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """What a request is answered, and the motor follows it, as if it had come by the link. Raises Refused."""
        app = self.target.app
        app._catch_up()
        result, refusal = self.controller.act(method, copy.deepcopy(params))
        if app._course is not self.controller.course:
            app._follow_state()
        if refusal:
            raise Refused(*refusal)
        assert result is not None
        return result

    def run(self, seconds: float) -> None:
        """Lets time pass, in pieces that a host's heartbeat would come in."""
        end_us = self.target.now_us + round(seconds * 1e6)
        while self.target.now_us < end_us:
            if self.heartbeats:
                self.controller.heard()
            self.target.run_for(min(1_000_000, end_us - self.target.now_us))

    def restart(self) -> None:
        """Off and on; nobody has signed in then."""
        self.target.cut_power()
        self.target.restore_power()

    def load(self, phases: list[list[Any]], **changed: Any) -> str:
        """Declares a full syringe and loads the phases; the digest. `changed`: of the header."""
        self.ask("syringe", syringe=SYRINGE, fill_nl=FILL_NL)
        digest: str = self.ask("load", program=header(phases, **changed), first=0, phases=phases)["digest"]
        return digest

    def start(self, phases: list[list[Any]], **changed: Any) -> None:
        """Loads the phases and takes the two steps before motion; the motor runs with the next control tick."""
        self.ask("confirm", digest=self.load(phases, **changed), overrides=[])
        self.ask("start")
