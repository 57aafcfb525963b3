"""The simulated bench driven in any order: commands, time, clamp, link, power, hangs. What must hold holds after each.

The model is written by hand from the requirements and does not read the safety table.
"""

from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hil.bench import Bench, open_bench
from hil.boards import board_data
from pump.core import framing, readings
from pump.core.syringes import SYRINGES
from pump.core.wire import program_digest
from tests.programs import MACHINE_TIMES, PL_PER_ML, SYRINGE, Oracle, header
from titrate.errors import LinkError, Refused

MAY_RUN = ("INFUSING", "BOLUS", "KVO", "PRIMING", "FILLING")
LEGAL = {  # command: the states in which the pump may accept it
    "syringe": ("IDLE", "READY", "PAUSED", "ALARM"),
    "load": ("IDLE", "READY"),
    "confirm": ("IDLE",),
    "start": ("READY",),
    "pause": ("INFUSING", "BOLUS", "KVO"),
    "resume": ("PAUSED", "KVO"),
    "bolus": ("INFUSING",),
    "prime": ("IDLE",),
    "refill": ("IDLE",),
    "acknowledge": ("IDLE", "READY", "INFUSING", "BOLUS", "KVO", "PRIMING", "FILLING", "PAUSED", "ALARM"),
    "stop": ("BOOT", "IDLE", "READY", "INFUSING", "BOLUS", "KVO", "PRIMING", "FILLING", "PAUSED", "ALARM", "FAULT"),
}
LEADS_TO = {  # command, when it is accepted: the state that follows
    "load": ("IDLE",),
    "confirm": ("READY",),
    "start": ("INFUSING",),
    "pause": ("PAUSED",),
    "resume": ("INFUSING",),
    "bolus": ("BOLUS",),
    "prime": ("PRIMING",),
    "refill": ("FILLING",),
    "stop": ("IDLE", "FAULT"),
}
MOST_RELIEF_UL = board_data("pico").RELIEF_NL / 1000
RETRY_S = 0.5  # an answer later than this was to a repeated line: noise had spoilt the first
LAST_STEP_S = 0.25  # D3: what a hung loop may still make
FULL_NL = SYRINGES[SYRINGE][3]
LEAST_NL = 100_000  # that its programs count on

rates_pl_h = st.sampled_from([rate * PL_PER_ML for rate in (1, 25, 300, 900, 1200)])
seconds = st.sampled_from([0.0004, 0.05, 0.1, 0.25, 1.0, 2.5, 7.0])


@st.composite
def programs(draw: st.DrawFn) -> list[list[Any]]:
    """A few phases of 0.2 to 40 s."""
    rows: list[list[Any]] = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["infuse", "infuse", "ramp", "pause"]))
        begin = 0 if kind == "pause" else draw(rates_pl_h)
        rows.append(
            [
                kind,
                draw(st.integers(200, 8000) | st.integers(8000, 40_000)),
                begin,
                draw(rates_pl_h) if kind == "ramp" else begin,
            ]
        )
    return rows


class PumpMachine(RuleBasedStateMachine):
    """rows: the program that is or was delivered; base_steps: the bench's pulses when it started."""

    bench: Bench

    @initialize()
    def switch_on(self) -> None:
        self.bench = open_bench("sim://", seed=1)
        self.bench.run_for(0.1)
        self.loaded: list[list[Any]] | None = None
        self.plugged = True
        self.forget()

    def forget(self) -> None:
        """No program has run since the pump was switched on or reset. recalled_steps: of the one before that."""
        self.recalled_steps = self.status["counted_steps"]
        self.rows: list[list[Any]] | None = None
        self.base_steps = self.bench.steps
        self.on_s = 0.0  # device time for which the program's motor may have been on
        self.boluses_pl = 0
        self.bolus_cut = False
        self.under_way = False
        self.primed = self.refilled = False

    @property
    def step_ul(self) -> float:
        return float(Oracle([["pause", 1, 0, 0]]).step_pl) / 1e6

    # --- looking, without a word on the link

    @property
    def state(self) -> str:
        state: str = self.bench.target.app.controller.state  # type: ignore[attr-defined]  # sim has its firmware here
        return state

    @property
    def enabled(self) -> bool:
        enabled: bool = self.bench.target.interlock.enabled  # type: ignore[attr-defined]
        return enabled

    @property
    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = readings.status(self.bench.target.app.controller)  # type: ignore[attr-defined]
        return status

    def left_bolus(self, before: str) -> None:
        if before == "BOLUS" and self.state not in ("BOLUS", "INFUSING"):
            self.bolus_cut = True

    @property
    def occluded(self) -> bool:
        return self.state == "ALARM" and "OCCLUSION" in self.status["alarms"]

    def check_pulses_without_leave(self, state: str, occluded: bool, steps: int) -> None:
        """Pulses since `steps` in a state that is none for infusing: only back, and only to relieve an occlusion."""
        made = self.bench.steps - steps
        if occluded:
            assert -MOST_RELIEF_UL / self.step_ul - 1 <= made <= 0
        else:
            assert made == 0, f"{made} pulses in {state}"

    def let(self, duration_s: float) -> None:
        """Lets time pass. A motor that is off stays off: nothing but a command may turn it on."""
        before, occluded, steps, began_s = self.state, self.occluded, self.bench.steps, self.bench.now_s
        self.bench.run_for(duration_s)
        if before in MAY_RUN:
            self.on_s += self.bench.now_s - began_s
        else:
            assert self.state not in MAY_RUN, f"{before} became {self.state} by itself"
            self.check_pulses_without_leave(before, occluded, steps)
        self.left_bolus(before)

    def command(self, method: str, **params: Any) -> dict[str, Any] | None:
        """Asks; None when it was refused. The motor may only start by start, resume, bolus, prime, refill."""
        while self.bench.target.clock.remaining_ms() == 0:  # type: ignore[attr-defined]
            self.let(0.0001)  # a control tick is due: it comes before the request and may change the state
        before, occluded, steps, began_s = self.state, self.occluded, self.bench.steps, self.bench.now_s
        result: dict[str, Any] | None = None
        try:
            result = self.bench.pump.request(method, **params)
        except Refused:
            assert method != "stop", "stop was refused"
        except LinkError:
            assert not self.plugged
        self.on_s += self.bench.now_s - began_s if before in MAY_RUN else 0
        if before not in MAY_RUN and method not in ("start", "resume", "prime", "refill"):
            assert self.state not in MAY_RUN, f"{method} turned the motor on"
            self.check_pulses_without_leave(before, occluded, steps)
        if result is not None:
            assert self.plugged
        if result is not None and self.bench.now_s - began_s < RETRY_S:
            assert before in LEGAL[method] or self.state == before, f"{method} was accepted in {before}"
            assert self.state in LEADS_TO.get(method, (self.state,)), f"{method} led from {before} to {self.state}"
        self.left_bolus(before)
        return result

    # --- commands

    @precondition(lambda self: self.plugged and self.state in ("IDLE", "READY"))
    @rule(rows=programs(), fill_nl=st.sampled_from([150_000, FULL_NL]))
    def run_program(self, rows: list[list[Any]], fill_nl: int) -> None:
        """All that it takes to see the motor run, in one rule, or few examples would."""
        self.declare_syringe(fill_nl)
        self.load(rows)
        self.confirm(True)
        assert self.state == "READY"
        self.start()
        if not self.status["alarms"]:
            assert self.state == "INFUSING"

    @precondition(lambda self: self.state in LEGAL["syringe"])
    @rule(fill_nl=st.sampled_from([LEAST_NL, 400_000, FULL_NL, FULL_NL, FULL_NL + 1, 0]))
    def declare_syringe(self, fill_nl: int) -> None:
        if self.command("syringe", syringe=SYRINGE, fill_nl=fill_nl) is not None:
            assert 0 <= fill_nl <= FULL_NL

    @precondition(lambda self: self.state in LEGAL["load"])
    @rule(rows=programs())
    def load(self, rows: list[list[Any]]) -> None:
        if self.command("load", program=header(rows, fill_nl=LEAST_NL), first=0, phases=rows) is not None:
            self.loaded = rows

    @precondition(lambda self: self.state in LEGAL["load"])
    @rule(right=st.sampled_from([True, True, False]))
    def confirm(self, right: bool) -> None:
        rows = self.loaded or [["infuse", 1000, 0, 0]]
        digest = program_digest(header(rows, fill_nl=LEAST_NL), rows)
        accepted = self.command("confirm", digest=digest if right else digest[::-1], overrides=[])
        assert accepted is None or (right and self.loaded is not None)

    @precondition(lambda self: self.state in LEGAL["start"])
    @rule()
    def start(self) -> None:
        steps = self.bench.steps
        if self.command("start") is not None:
            self.forget()
            self.base_steps = steps
            self.rows = self.loaded
            self.under_way = True

    @precondition(lambda self: self.state in LEGAL["prime"])
    @rule(hard=st.integers(0, 2))
    def prime(self, hard: int) -> None:
        if not hard and self.command("prime") is not None:
            self.forget()
            self.primed = True

    @precondition(lambda self: self.state in LEGAL["refill"])
    @rule(volume_nl=st.sampled_from([0, 1, 200_000, FULL_NL - LEAST_NL]), hard=st.integers(0, 2))
    def refill(self, volume_nl: int, hard: int) -> None:
        room_nl = FULL_NL - self.status["remaining_nl"]
        if not hard and self.command("refill", volume_nl=volume_nl) is not None:
            assert 0 < volume_nl <= room_nl
            self.forget()
            self.refilled = True

    @precondition(lambda self: self.state in LEGAL["pause"])
    @rule()
    def pause(self) -> None:
        self.command("pause")

    @precondition(lambda self: self.state in LEGAL["resume"])
    @rule()
    def resume(self) -> None:
        self.command("resume")

    @precondition(lambda self: self.state in LEGAL["bolus"])
    @rule(volume_nl=st.sampled_from([1, 10_000, 100_000]), duration_ms=st.sampled_from([999, 1000, 3000]))
    def bolus(self, volume_nl: int, duration_ms: int) -> None:
        if self.command("bolus", volume_nl=volume_nl, duration_ms=duration_ms, overrides=[]) is not None:
            assert duration_ms >= 1000
            self.boluses_pl += volume_nl * 1000

    @precondition(lambda self: self.status["alarms"])
    @rule()
    def acknowledge(self) -> None:
        self.command("acknowledge")

    @rule(hard=st.integers(0, 3))
    def stop(self, hard: int) -> None:
        if not hard and self.command("stop") is not None:
            self.under_way = False

    @rule(method=st.sampled_from(["confirm", "start", "pause", "resume", "bolus", "load", "prime", "refill"]))
    def command_out_of_place(self, method: str) -> None:
        """What the state does not list is refused and changes nothing."""
        before = self.state
        if before in LEGAL[method]:
            return
        rows = [["infuse", 1000, 0, 0]]
        params: dict[str, dict[str, Any]] = {
            "confirm": {"digest": program_digest(header(rows), rows), "overrides": []},
            "bolus": {"volume_nl": 1000, "duration_ms": 1000, "overrides": []},
            "load": {"program": header(rows), "first": 0, "phases": rows},
            "refill": {"volume_nl": 1000},
        }
        accepted = self.command(method, **params.get(method, {}))
        assert accepted is None or before in MAY_RUN  # which may have ended while a lost line was sent again

    # --- time and trouble

    @rule(duration_s=seconds)
    def wait(self, duration_s: float) -> None:
        self.let(duration_s)

    @precondition(lambda self: self.under_way)
    @rule(duration_s=st.sampled_from([1.0, 7.0, 30.0]))
    def wait_long(self, duration_s: float) -> None:
        self.let(duration_s)

    @precondition(lambda self: self.under_way)
    @rule(wait_s=st.sampled_from([0.0, 1.0, 7.0]))
    def clamp(self, wait_s: float) -> None:
        self.bench.occlude()
        self.let(wait_s)

    @rule()
    def open_clamp(self) -> None:
        self.bench.release()

    @precondition(lambda self: "SYRINGE_EMPTY" in self.status["alarms"] and self.state in LEGAL["syringe"])
    @rule()
    def change_syringe(self) -> None:
        self.bench.change_syringe()
        self.declare_syringe(FULL_NL)
        self.command("acknowledge")

    @precondition(lambda self: self.plugged and self.under_way)
    @rule()
    def unplug(self) -> None:
        self.bench.unplug_link()
        self.plugged = False

    @precondition(lambda self: not self.plugged)
    @rule()
    def plug(self) -> None:
        self.bench.plug_link()
        self.plugged = True

    @rule(rubbish=st.binary(max_size=80), whole_line=st.booleans())
    def noise(self, rubbish: bytes, whole_line: bool) -> None:
        self.bench.target.write(rubbish + (b"\n" if whole_line else b""))
        self.let(0.1)

    @precondition(lambda self: self.plugged and self.under_way)
    @rule(dark_s=seconds, hang=st.booleans(), hard=st.integers(0, 2))
    def reset_by_trouble(self, dark_s: float, hang: bool, hard: int) -> None:
        if hard:
            return
        if hang:
            self.hang()
        else:
            self.cut_power(dark_s)

    def cut_power(self, dark_s: float) -> None:
        ran = self.enabled and not self.occluded
        self.bench.cut_power()
        steps = self.bench.steps
        self.bench.run_for(dark_s)
        assert not self.enabled
        self.bench.restore_power()
        assert self.bench.steps == steps
        self.reset()
        interrupted = self.status["alarms"] == ["POWER_INTERRUPTED"]
        assert interrupted or not ran
        assert self.state == ("ALARM" if interrupted else "IDLE")

    def hang(self) -> None:
        self.bench.hang()
        self.bench.run_for(LAST_STEP_S)
        steps = self.bench.steps
        self.bench.run_for(board_data().WATCHDOG_MS / 1000 + 0.5)
        assert self.bench.steps == steps, "a hung loop made steps for more than 250 ms"
        self.bench.reconnect()
        self.reset()
        assert (self.state, self.status["alarms"]) == ("ALARM", ["WATCHDOG_RESET"])

    def reset(self) -> None:
        """What was delivered is still known, and not too low (D10)."""
        counted = self.status["counted_steps"]
        if self.rows is not None:
            oracle = Oracle(self.rows)
            most = (oracle.volume_pl(oracle.boundaries_ms[-1]) + self.boluses_pl) // oracle.step_pl
            assert self.bench.steps - self.base_steps <= counted <= most + 4 * (1 + bool(self.boluses_pl))
        else:
            assert counted == self.recalled_steps
        self.loaded = None
        self.forget()

    # --- what must hold

    @invariant()
    def the_motor_driver_follows_the_state(self) -> None:
        assert self.enabled == (self.state in MAY_RUN) or (self.enabled and self.occluded)

    @invariant()
    def there_is_no_fault_without_a_fault(self) -> None:
        assert self.state != "FAULT"

    @invariant()
    def counts_agree(self) -> None:
        """Pulses of the pump and of the bench, steps asked for, and what the law allows for the infused time."""
        status = self.status
        counted = status["counted_steps"]
        pulses = self.bench.steps - self.base_steps
        if self.rows is None:
            assert pulses == 0 or (self.primed and pulses > 0) or (self.refilled and pulses < 0)
            assert counted == self.recalled_steps
            return
        if self.state in MAY_RUN:
            assert counted <= pulses, "the odometer is read once a tick, so it may only lag"
        elif self.enabled:
            return  # relieving an occlusion: the figures are set right when it is over
        else:
            assert counted == pulses == status["asked_steps"]
        assert counted <= status["asked_steps"]
        oracle = Oracle(self.rows)
        assert counted <= (oracle.volume_pl(status["infused_ms"] + 1) + self.boluses_pl) // oracle.step_pl
        assert status["infused_ms"] <= self.on_s * 1000 + 1, "infusion time ran while the motor was off"
        if not self.boluses_pl:
            assert counted >= oracle.steps(status["infused_ms"]) - 1, "more than one step behind"

    @invariant()
    def a_program_ends_exact(self) -> None:
        if not self.under_way or self.state != "IDLE":
            return
        assert self.rows is not None
        self.under_way = False
        oracle = Oracle(self.rows)
        total_pl = oracle.volume_pl(oracle.boundaries_ms[-1]) + Fraction(0 if self.bolus_cut else self.boluses_pl)
        steps = self.bench.steps - self.base_steps
        if self.bolus_cut:
            assert total_pl // oracle.step_pl <= steps <= (total_pl + self.boluses_pl) // oracle.step_pl
        else:
            assert steps == total_pl // oracle.step_pl

    def teardown(self) -> None:
        """Whatever has happened: with the link in place the pump still takes a stop, and stands."""
        self.bench.plug_link()
        self.plugged = True
        self.bench.target.write(b"\n" + framing.encode({"id": 0, "method": "stop"}))
        self.bench.run_for(0.1)
        assert self.state in ("IDLE", "FAULT")
        steps = self.bench.steps
        self.bench.run_for(1)
        assert self.bench.steps == steps
        self.bench.close()


TestPumpMachine = PumpMachine.TestCase
TestPumpMachine.settings = settings(
    max_examples=200 * MACHINE_TIMES, stateful_step_count=40, report_multiple_bugs=False
)
