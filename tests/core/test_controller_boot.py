"""Power-on: the self-test comes first, nothing moves before it is over, and one that fails locks the pump."""

from typing import Any

import pytest

from pump.core import framing, selftest, states, wire
from pump.core.controller import Controller
from pump.core.selftest import FAILED, STEPS
from pump.core.signals import CYAN
from tests.core.pumps import Pump, Refused
from tests.programs import flat

BOLUS: dict[str, Any] = {"volume_nl": 100_000, "duration_ms": 5000, "overrides": []}
TEST_US = 2_000_000


@pytest.mark.requirement("SR-POST-01")
def test_each_power_on_and_each_reset_tests_the_pump_before_anything_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = Pump()
    target, run = pump.target, selftest.run
    seen: list[tuple[int, bool, str]] = []

    def noted(parts: selftest.Parts) -> tuple[dict[str, str], str | None]:
        found = run(parts)
        seen.append((target.stepper.pulses, target.motor_on, found[0]["sound"]))
        return found

    monkeypatch.setattr(selftest, "run", noted)
    for count, begin in enumerate((pump.restart, target.hang, lambda: pump.ask("update")), 1):
        begin()
        pump.run(5)
        assert seen == [(0, False, "passed")] * count
        pump.controller.end_alarms(pump.controller.alarms)
        if pump.state == "ALARM":
            pump.ask("acknowledge")


@pytest.mark.requirement("SR-POST-01")
@pytest.mark.parametrize("step", [name for name, _step in STEPS])
def test_a_step_that_fails_locks_the_pump_with_a_low_alarm_that_is_logged_and_gives_the_reason(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump = Pump()
    steps = tuple((name, (lambda parts: False) if name == step else test) for name, test in STEPS)
    with monkeypatch.context() as patch:
        patch.setattr(selftest, "STEPS", steps)
        pump.restart()
    pump.run(10)
    assert (pump.state, pump.alarms) == ("FAULT", ["SELF_TEST_FAILED"])
    assert (pump.told("fault"), pump.ask("selftest")[step]) == ([f"self-test: {step}"], FAILED)
    assert pump.target.lights == CYAN, "of low priority"
    for method in ("start", "resume", "prime", "acknowledge"):
        with pytest.raises(Refused, match="in state FAULT"):
            pump.ask(method)
    pump.ask("stop")
    pump.run(10)
    assert pump.state == "FAULT"
    assert (pump.target.stepper.pulses, pump.target.motor_on) == (0, False)
    pump.restart()
    pump.run(1)
    assert (pump.state, pump.alarms) == ("IDLE", []), "the next power-on tests anew"


@pytest.mark.requirement("SR-POST-06")
def test_while_the_self_test_runs_no_pulse_leaves_and_a_bolus_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The power comes back in the middle of an infusion, and a host asks for a bolus all the while."""
    pump = Pump()
    pump.start(flat(300, 600))
    pump.run(2)
    target, run, booted = pump.target, selftest.run, Controller.booted
    refusals: list[Any] = []
    pulses: list[int] = []

    def slow(parts: selftest.Parts) -> tuple[dict[str, str], str | None]:
        target.write(framing.encode({"id": 0, "method": "hello", "params": {}}))
        target.write(framing.encode({"id": 1, "method": "bolus", "params": BOLUS}))
        target.clock.now_us += TEST_US
        target.settle()
        return run(parts)

    def asked(controller: Controller, *found: Any) -> None:
        """The state is still that of the test."""
        refusals.append(controller.act("bolus", dict(BOLUS)))
        pulses.append(target.stepper.pulses)
        booted(controller, *found)

    monkeypatch.setattr(selftest, "run", slow)
    monkeypatch.setattr(Controller, "booted", asked)
    before = len(target.mechanics.step_times_us)
    target.cut_power()
    target.read(target.available())
    target.restore_power()
    ((_, (code, reason)),) = refusals
    assert (code, reason.partition(";")[0]) == (wire.NOT_IN_STATE, "bolus in state BOOT")
    pump.run(5)
    replies = [message for message, _ in framing.Deframer().feed(target.read(target.available())) if message]
    (error,) = [message["error"]["code"] for message in replies if message.get("id") == 1]
    assert error == wire.NOT_IN_STATE
    assert (pulses, len(target.mechanics.step_times_us)) == ([0], before)


@pytest.mark.requirement("SR-POST-06")
def test_before_the_self_test_is_over_nothing_is_done_but_to_stop() -> None:
    assert [command for command in states.COMMANDS if states.allows("BOOT", command)] == ["STOP"]
    assert states.STATES["BOOT"][states.MOTOR] == states.OFF
