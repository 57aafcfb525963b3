"""What a person sees of an infusion: a live panel on a terminal, elsewhere a line for each change. On stderr.

It only shows. `lines` is all of it in words; Rich leaves the colours out where NO_COLOR is set.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from rich.live import Live
from rich.text import Text

from pump.core.alarms import ALARMS, HIGH, MEDIUM, PRIORITY, TEXT
from pump.core.units import MS_PER_S, NL_PER_ML
from titrate.cli import output
from titrate.cli.plan import clock

if TYPE_CHECKING:
    from titrate.client import Status
    from titrate.plan import Plan
    from titrate.playing import Attendant

PRIORITIES = {HIGH: "high", MEDIUM: "medium"}
COLORS = {HIGH: "bold red", MEDIUM: "yellow"}
REFRESH_HZ = 8


class View:
    """Shows the statuses of one plan. keys: what a person may press."""

    def __init__(self, plan: Plan, keys: str = "") -> None:
        self._plan = plan
        self._keys = keys
        self._console = output.messages()
        self._is_live = self._console.is_terminal
        self._status: Status | None = None
        self._shown: tuple[str, int, list[str]] = ("", -1, [])
        self._question = ""
        self._live = Live(
            console=self._console, get_renderable=self._panel, refresh_per_second=REFRESH_HZ, transient=False
        )

    def __enter__(self) -> View:
        if self._is_live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._is_live:
            self._live.stop()

    def see(self, status: Status) -> None:
        """The newest status."""
        self._status = status
        if not self._is_live:
            self._print_changes(status)

    def tell(self, text: str) -> None:
        """Something that happened, as a line that stays."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def ask(self, question: str) -> None:
        """What the person is asked until it is answered; empty: nothing."""
        if question != self._question:
            self._question = question
            if question and not self._is_live:
                self.tell(question)

    def _print_changes(self, status: Status) -> None:
        shown = status["state"], status["phase"], status["alarms"]
        if shown == self._shown:
            return
        state, phase, alarms = self._shown
        now = clock(status["infused_ms"] / MS_PER_S)
        if (status["state"], status["phase"]) != (state, phase):
            self.tell(f"{now} {'; '.join(lines(self._plan, status)[:3])}")
        for name in status["alarms"]:
            if name not in alarms:
                self.tell(f"{now} {alarm_line(name)}")
        for name in alarms:
            if name not in status["alarms"]:
                self.tell(f"{now} {name} is over")
        self._shown = shown

    def _panel(self) -> Text:
        panel = Text()
        status = self._status
        if status:
            panel.append("\n".join(lines(self._plan, status)) + "\n")
            for name in status["alarms"]:
                panel.append(alarm_line(name) + "\n", style=COLORS.get(ALARMS[name][PRIORITY], "cyan"))
        panel.append(self._question or self._keys, style="bold" if self._question else "dim")
        return panel


def lines(plan: Plan, status: Status) -> list[str]:
    """State and rate, dose, what comes next, syringe and pressure: a line each."""
    mg_ml, weight_kg = float(plan.concentration_mg_ml), float(plan.weight_kg)
    rate_ml_h, counted_ml = status["rate_nl_h"] / NL_PER_ML, status["counted_nl"] / NL_PER_ML
    phase = f"phase {status['phase'] + 1} of {len(plan.phases)}" if status["phase"] >= 0 else "no program"
    rate = f"{rate_ml_h:.4g} mL/h, {rate_ml_h * mg_ml / weight_kg:.4g} mg/kg/h"
    dose = f"{counted_ml * mg_ml:.5g} of {float(plan.total_mg):.5g} mg"
    volume = f"{counted_ml:.3f} of {float(plan.total_ml):.3f} mL"
    empty = f", empty in {clock(status['empty_s'])}" if status["empty_s"] >= 0 else ""
    return [
        f"{status['state']}, {phase}: {rate}",
        f"dose so far {dose}, {volume}",
        _next(plan, status),
        f"syringe {status['remaining_nl'] / NL_PER_ML:.2f} mL{empty}; pressure {status['pressure_pa'] / 1000:.1f} kPa",
    ]


def _next(plan: Plan, status: Status) -> str:
    """The next change of the plan, and what is left of it; both stand still while the pump waits."""
    now_s = status["infused_ms"] / MS_PER_S
    left = f"{clock(max(float(plan.duration_s) - now_s, 0))} left"
    if not 0 <= status["phase"] < len(plan.phases) - 1:
        return left
    coming = plan.phases[status["phase"] + 1]
    what = "pause" if coming.kind == "pause" else f"{coming.kind}, {float(coming.begin_ml_h):.4g} mL/h"
    return f"{left}; next in {clock(max(float(coming.begin_s) - now_s, 0))}: {what}"


def alarm_line(name: str) -> str:
    """An alarm for a person: priority, name, and what to do."""
    alarm = ALARMS[name]
    return f"{PRIORITIES.get(alarm[PRIORITY], 'low')} alarm {name}: {alarm[TEXT]}"


class Shown:
    """An attendant that shows everything, and leaves the answers to another."""

    def __init__(self, view: View, hands: Attendant) -> None:
        self.see = view.see
        self.tell = view.tell
        self.attend = hands.attend
