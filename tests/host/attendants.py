"""Attendants for tests of playing: they act on a bench at set times, and remember what they were told."""

from collections.abc import Callable, Sequence

from hil.bench import Bench
from titrate.client import Status
from titrate.plan import Plan
from titrate.playing import GO_ON
from titrate.reading import parse

SHORT = """
[protocol]
name = "short"
title = "Ten minutes, a pause, and a ramp"
citation = "none"
[drug]
name = "ketamine"
concentration = "1 mg/mL"
[subject]
weight = "70 kg"
[[phase]]
infuse = "60 mL/h"
for = "10 min"
[[phase]]
pause = "5 min"
[[phase]]
ramp = { from = "10 mL/h", to = "50 mL/h" }
for = "6 min"
"""


def short_plan() -> Plan:
    """10 mL, nothing for five minutes, 3 mL."""
    return parse(SHORT).plan(None)


class Helper:
    """acts: [(infusion time in s, what is done then)]. answers: what is answered when the pump waits, in this order."""

    def __init__(
        self, acts: Sequence[tuple[float, Callable[[], object]]] = (), answers: Sequence[str | None] = ()
    ) -> None:
        self.acts = list(acts)
        self.answers = list(answers)
        self.asked: list[tuple[list[str], str]] = []
        self.told: list[str] = []
        self.seen: list[Status] = []
        self.on_tell: Callable[[str], None] = lambda text: None

    def see(self, status: Status) -> None:
        self.seen.append(status)
        while self.acts and status["infused_ms"] >= 1000 * self.acts[0][0]:
            self.acts.pop(0)[1]()

    def tell(self, text: str) -> None:
        self.told.append(text)
        self.on_tell(text)

    def attend(self, waiting: list[str], refusal: str) -> str | None:
        self.asked.append((waiting, refusal))
        return self.answers.pop(0) if self.answers else GO_ON


def plug_in_later(bench: Bench, helper: Helper, seconds: float) -> None:
    """The link comes back so many seconds of device time after its loss was told."""

    def act(text: str) -> None:
        if text.startswith("link lost"):
            bench.run_for(seconds)
            bench.plug_link()

    helper.on_tell = act
