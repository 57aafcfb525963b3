"""A pump under a tight drug library, with faults, power cuts and commands in any order: no limit is ever passed.

What was delivered is taken from the bench's pulses; the pump's own books are not asked.
"""

from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hil.bench import Bench, open_bench
from pump.core import readings
from pump.core.library import Library
from tests.core.entries import CONCENTRATION_NG_ML, WEIGHT_G, entry
from tests.programs import MACHINE_TIMES, SYRINGE, Oracle, flat, header
from titrate import library_link
from titrate.errors import Refused

STEP_PL = float(Oracle(flat(1, 1)).step_pl)
NG_KG_PER_STEP = STEP_PL * CONCENTRATION_NG_ML / 1e9 / (WEIGHT_G / 1000)
WINDOWS = {1: 30_000, 4: 60_000, 24: 90_000}  # hours: ng/kg; 2.1, 4.2 and 6.3 mL
LOCKOUT_MS = 120_000
COUNT, COUNT_MS = 3, 1_200_000
MAY_RUN = ("INFUSING", "BOLUS", "KVO", "PRIMING", "FILLING")
TROUBLE = {  # what is done to the bench: (alarm, seconds that it may take while the motor runs, undone by)
    "occlude": ("OCCLUSION", None, "release"),
    "remove_syringe": ("SYRINGE_MISSING", 1, "fit_syringe"),
    "open_sensor": ("SENSOR_FAULT", 3, "mend_pressure_sensor"),
    "low_supply": ("BATTERY_DEPLETED", 25, "good_supply"),
    "heat": ("OVERHEATED", 25, "cool"),
    "fill_flash": ("MEMORY_FAULT", 65, "free_flash"),
}


class LimitsMachine(RuleBasedStateMachine):
    """powered_ms: device time with power before this power-on. boluses: ("began" or "ended", powered time)."""

    bench: Bench

    @initialize(policy=st.sampled_from(["refuse", "reduce"]), kvo_nl_h=st.sampled_from([0, 1_000_000]))
    def switch_on(self, policy: str, kvo_nl_h: int) -> None:
        self.bench = open_bench("sim://", seed=1)
        self.trouble: set[str] = set()
        self.powered_ms = 0
        self.seen = 0
        self.boluses: list[tuple[str, int]] = []
        limits = {f"dose_{hours}h_{side}_ng_kg": dose for hours, dose in WINDOWS.items() for side in ("soft", "hard")}
        library_link.upload(
            self.bench.pump,
            Library(
                [
                    entry(
                        **limits,
                        bolus_lockout_ms=LOCKOUT_MS,
                        bolus_count=COUNT,
                        bolus_window_ms=COUNT_MS,
                        bolus_policy=policy,
                        bolus_hard_low_nl=0,
                        kvo_nl_h=kvo_nl_h,
                    )
                ]
            ),
        )

    @property
    def controller(self) -> Any:
        return self.bench.target.app.controller  # type: ignore[attr-defined]  # sim has its firmware here

    @property
    def state(self) -> str:
        state: str = self.controller.state
        return state

    def ask(self, method: str, **params: Any) -> bool:
        self.bench.reconnect()
        try:
            self.bench.pump.request(method, **params)
        except Refused:
            return False
        return True

    # --- rules

    @precondition(lambda self: self.state in ("IDLE", "READY"))
    @rule(program=st.sampled_from([(2, 60), (10, 10), (25, 5), (60, 2)]))
    def give(self, program: tuple[int, int]) -> None:
        """Each within the limits by itself, and none so any more together with the one before."""
        ml_h, minutes = program
        phases = flat(ml_h, minutes * 60)
        wanted = header(phases, concentration_ng_ml=CONCENTRATION_NG_ML, weight_g=WEIGHT_G, code="test", bolus_nl=0)
        self.bench.reconnect()
        self.ask("syringe", syringe=SYRINGE, fill_nl=50_000_000)
        try:
            digest = self.bench.pump.load(wanted, phases)
        except Refused:
            return
        assert self.ask("confirm", digest=digest, overrides=[]) or self.trouble
        self.ask("start")

    @precondition(lambda self: self.state in ("IDLE", "READY"))
    @rule(program=st.sampled_from([(25, 5), (60, 2)]), part=st.sampled_from([0.5, 1.1]))
    def give_and_wait(self, program: tuple[int, int], part: float) -> None:
        """Two of these in a row reach the limit; or few examples would."""
        self.give(program)
        self.bench.run_for(program[1] * 60 * part)

    @precondition(lambda self: self.state == "INFUSING")
    @rule(gap_s=st.sampled_from([0, 60, 119, 121]))
    def two_boluses(self, gap_s: int) -> None:
        self.bolus(50_000, 21)
        self.bench.run_for(gap_s)
        self.bolus(50_000, 21)

    @precondition(lambda self: self.state in ("IDLE", "READY"))
    @rule()
    def many_boluses(self) -> None:
        """As many as the lockout allows, which is one too many for the window."""
        self.give((10, 10))
        for _ in range(COUNT + 1):
            self.bolus(20_000, 21)
            self.bench.run_for(LOCKOUT_MS / 1000)

    @precondition(lambda self: self.state == "INFUSING")
    @rule(nl=st.sampled_from([50_000, 400_000]), wait_s=st.sampled_from([1, 5, 30]))
    def bolus(self, nl: int, wait_s: int) -> None:
        self.ask("bolus", volume_nl=nl, duration_ms=20_000, overrides=[])
        self.bench.run_for(wait_s)

    @rule(seconds=st.sampled_from([1, 10, 60, 600, 1800]))
    def wait(self, seconds: int) -> None:
        self.bench.run_for(seconds)

    @rule(method=st.sampled_from(["pause", "resume", "acknowledge", "acknowledge", "resume", "hold"]))
    def command(self, method: str) -> None:
        self.ask(method)

    @rule(by_key=st.booleans(), hard=st.integers(0, 2))
    def stop(self, by_key: bool, hard: int) -> None:
        if hard:
            return
        if by_key:
            self.bench.press("stop", 0.3)
            self.bench.run_for(0.9)  # a key that was let go for less counts as held: keys.RELEASE_MS
        else:
            assert self.ask("stop")
        last = [entry[3] for entry in self.controller.log.entries if entry[2] == "command"][-1]
        assert last == ("stop (key)" if by_key else "stop")
        assert self.state in ("IDLE", "FAULT", "ALARM"), "ALARM: of a new condition, such as a store that takes nothing"

    @rule(what=st.sampled_from(sorted(TROUBLE)), hard=st.integers(0, 2))
    def make_trouble(self, what: str, hard: int) -> None:
        """A condition that is true has its alarm within its time, if the motor ran so long."""
        if hard:
            return
        name, within_s, _ = TROUBLE[what]
        self.trouble.add(what)
        self.act(what)
        if within_s is None:
            return
        was_on = self.state in MAY_RUN
        self.bench.run_for(within_s)
        if was_on and what not in ("fill_flash",):
            assert name in readings.status(self.controller)["alarms"] or self.state not in MAY_RUN
        elif was_on and self.state in MAY_RUN:
            raise AssertionError("what cannot be recorded was delivered for longer than a checkpoint")

    @precondition(lambda self: self.trouble)
    @rule()
    def mend(self) -> None:
        for what in sorted(self.trouble):
            self.act(TROUBLE[what][2])
        self.trouble.clear()
        self.bench.run_for(30)
        self.ask("acknowledge")

    def act(self, what: str) -> None:
        hands = {
            "open_sensor": lambda: self.bench.break_pressure_sensor("open"),
            "low_supply": lambda: self.bench.set_supply(6),
            "good_supply": lambda: self.bench.set_supply(12),
            "heat": lambda: self.bench.set_temperature(90),
            "cool": lambda: self.bench.set_temperature(25),
        }
        hands.get(what, lambda: getattr(self.bench, what)())()

    @precondition(lambda self: self.state in ("IDLE", "READY") and not self.trouble)
    @rule(dark_s=st.sampled_from([1, 4000]), mid_write=st.integers(0, 3), waits_s=st.sampled_from([70, 125]))
    def cut_between_two_programs(self, dark_s: int, mid_write: int, waits_s: int) -> None:
        """What was given before the dark still fills the windows after it."""
        self.give((60, 2))
        self.bench.run_for(waits_s)
        self.cut(dark_s, mid_write)
        self.ask("acknowledge")
        self.give((60, 2))
        self.bench.run_for(125)

    @precondition(lambda self: "fill_flash" not in self.trouble)
    @rule(dark_s=st.sampled_from([1, 4000]), mid_write=st.integers(0, 3), hard=st.integers(0, 1))
    def power_cut(self, dark_s: int, mid_write: int, hard: int) -> None:
        if not hard:
            self.cut(dark_s, mid_write)

    def cut(self, dark_s: int, mid_write: int) -> None:
        """No power for dark_s; mid_write: 0, or how far into what is written next, in portions of 300 bytes."""
        self.look()
        if mid_write:
            self.bench.target.store.cut_after_bytes = mid_write * 300  # type: ignore[attr-defined]
            self.bench.run_for(62)
        if self.bench.target._powered:  # type: ignore[attr-defined]
            self.look()
            self.powered_ms += self.controller.now_ms
            self.bench.cut_power()
        else:
            self.look()
            self.powered_ms += self.controller.now_ms
        self.bench.run_for(dark_s)
        self.bench.restore_power()
        self.seen = self.controller.log.entries[0][0] - 1
        self.bench.run_for(1)

    # --- what must hold

    def look(self) -> None:
        """Notes when boluses began and ended, by the pump's log of this power-on."""
        for sequence, time_ms, kind, text in self.controller.log.entries:
            if sequence > self.seen and kind == "state":
                if " > BOLUS:" in text:
                    self.boluses.append(("began", self.powered_ms + time_ms))
                elif text.startswith("BOLUS > "):
                    self.boluses.append(("ended", self.powered_ms + time_ms))
            self.seen = max(self.seen, sequence)

    @invariant()
    def the_motor_runs_in_its_states_only(self) -> None:
        enabled: bool = self.bench.target.interlock.enabled  # type: ignore[attr-defined]
        relieving = self.state == "ALARM" and "OCCLUSION" in readings.status(self.controller)["alarms"]
        assert enabled == (self.state in MAY_RUN) or relieving

    @invariant()
    def no_window_has_more_than_its_limit(self) -> None:
        times_s = np.asarray(self.bench.step_times_us, dtype=float) / 1e6  # backward ones count, too: all the stricter
        for hours, limit_ng_kg in WINDOWS.items():
            first = np.searchsorted(times_s, times_s - hours * 3600, side="right")
            most = int((np.arange(1, len(times_s) + 1) - first).max(initial=0))
            backward = int((len(times_s) - self.bench.steps) // 2)
            assert (most - backward) * NG_KG_PER_STEP <= limit_ng_kg, f"{hours} h"

    @invariant()
    def lockout_and_number_of_boluses_are_kept(self) -> None:
        self.look()
        began = [at for kind, at in self.boluses if kind == "began"]
        for (kind, at), (after, later) in zip(self.boluses, self.boluses[1:], strict=False):
            if kind == "ended" and after == "began":
                assert later - at >= LOCKOUT_MS
        for i in range(len(began) - COUNT):
            assert began[i + COUNT] - began[i] >= COUNT_MS

    @invariant()
    def totals_are_never_low(self) -> None:
        counted = self.controller.books.pushed_steps(self.controller.total_steps)
        if not self.bench.target.interlock.enabled:  # type: ignore[attr-defined]
            assert counted >= self.bench.steps

    def teardown(self) -> None:
        self.bench.close()


TestLimits = LimitsMachine.TestCase
TestLimits.settings = settings(max_examples=60 * MACHINE_TIMES, stateful_step_count=30, report_multiple_bugs=False)
