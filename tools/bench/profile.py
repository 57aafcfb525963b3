"""`make profile`: where the cycles of an infusing pump go, by function of the firmware and of MicroPython.

The emulated chip is stopped every PERIOD_US and asked who runs. It does not notice: nothing of the firmware is changed,
and no time passes for it. Whoever is found is charged with the cycles since the last look, so that all of them are
shared out, and a figure of n looks is good to about the square root of n.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.columns import Columns
from rich.console import Console
from rich.table import Table

from hil.bench import Bench, open_bench
from tests.programs import flat, start
from tools.bench.call_stack import CallStack, Stack, Symbols

PERIOD_US = 4
CONTROL_PERIOD_US = 100_000
SETTLE_S, SECONDS = 2, 20
ML_H = 25
TICK, BEHIND, REQUEST = "pump/app.py:App.tick", "pump/app.py:App._behind", "pump/app.py:App._listen"
MOST_ROWS = 15


@dataclass
class Profile:
    """What was found in `ticks` control ticks and `requests` requests. spent: cycles by who ran. in_tick: the same for
    each control tick, by its number."""

    ticks: int = 0
    requests: int = 0
    spent: Counter[Stack] = field(default_factory=Counter)
    in_tick: dict[int, Counter[Stack]] = field(default_factory=dict)

    @property
    def longest_tick(self) -> Counter[Stack]:
        return max(self.in_tick.values(), key=lambda spent: spent.total(), default=Counter())

    def within(self, function: str) -> Counter[Stack]:
        """What was spent inside of a function, itself included."""
        return Counter({stack: cycles for stack, cycles in self.spent.items() if function in stack.python})


def alone(spent: Counter[Stack]) -> Counter[str]:
    """Cycles by the innermost function of the firmware: what it did itself, with MicroPython's own work for it."""
    found: Counter[str] = Counter()
    for stack, cycles in spent.items():
        found[stack.python[-1] if stack.python else "outside of Python"] += cycles
    return found


def together(spent: Counter[Stack]) -> Counter[str]:
    """Cycles by function of the firmware, with all that it calls."""
    found: Counter[str] = Counter()
    for stack, cycles in spent.items():
        for name in set(stack.python):
            found[name] += cycles
    return found


def in_c(spent: Counter[Stack]) -> Counter[str]:
    """Cycles by function of MicroPython."""
    found: Counter[str] = Counter()
    for stack, cycles in spent.items():
        found[stack.c] += cycles
    return found


def watch(bench: Bench, seconds: int, each_second: Callable[[], object]) -> Profile:
    """Looks at a pump on emu:// while it runs; each_second: what the host does at the end of every second."""
    chip = bench.target.chip  # type: ignore[attr-defined]
    reader, profile = CallStack(chip, Symbols()), Profile()
    found, counted = reader.now(), chip.core.cycles
    first_us = -1

    def look() -> None:
        nonlocal found, counted, first_us
        alarm.schedule(PERIOD_US * 1000)
        cycles, counted = chip.core.cycles - counted, chip.core.cycles
        if not chip.core.waiting:  # what it did until it went to sleep is the last one's
            found = reader.now()
        if cycles:
            profile.spent[found] += cycles
            if TICK in found.python:
                first_us = bench.target.now_us if first_us < 0 else first_us
                number = (bench.target.now_us - first_us + CONTROL_PERIOD_US // 4) // CONTROL_PERIOD_US
                profile.in_tick.setdefault(number, Counter())[found] += cycles

    alarm = chip.clock.create_alarm(look)
    alarm.schedule(0)
    for _ in range(seconds):
        bench.run_for(1)
        each_second()
    alarm.cancel()
    profile.ticks, profile.requests = len(profile.in_tick), seconds
    return profile


def infusing(seconds: int = SECONDS) -> Profile:
    """An attended infusion with telemetry, and a status asked each second."""
    with open_bench("emu://", seed=1) as bench:
        start(bench, flat(ML_H, 600), attended=True)
        bench.run_for(SETTLE_S)
        return watch(bench, seconds, bench.pump.status)


def print_profile(profile: Profile, console: Console) -> None:
    ticks, requests = profile.ticks, profile.requests
    console.print(
        f"{ticks} control ticks and {requests} requests at {ML_H} mL/h, {profile.spent.total()} cycles in all; "
        f"a look every {PERIOD_US} us"
    )
    for title, spent, times in (
        ("A control tick", profile.within(TICK), ticks),
        ("The longest control tick", profile.longest_tick, 1),
        ("What follows a control tick", profile.within(BEHIND), ticks),
        ("A status request", profile.within(REQUEST), requests),
    ):
        console.print(f"\n{title}: {spent.total() / times:.0f} cycles", highlight=False)
        whole = together(spent)
        by_function = Table("cycles", "with what it calls", "function")
        for name, cycles in alone(spent).most_common(MOST_ROWS):
            by_function.add_row(f"{cycles / times:.0f}", f"{whole[name] / times:.0f}", name)
        in_micropython = Table("cycles", "function of MicroPython")
        for name, cycles in in_c(spent).most_common(MOST_ROWS):
            in_micropython.add_row(f"{cycles / times:.0f}", name)
        for table in (by_function, in_micropython):
            for column in table.columns[:-1]:
                column.justify = "right"
        console.print(Columns([by_function, in_micropython]))
