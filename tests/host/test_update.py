"""The pump makes way for other firmware only where its motor is off and nobody waits for it."""

import pytest

from hil.bench import open_bench
from hil.targets.simulated import Simulated
from pump.core import states
from tests.programs import flat, header, start
from titrate.errors import Refused


def test_an_idle_pump_says_yes_and_starts_anew() -> None:
    with open_bench("sim://") as bench:
        bench.run_for(5)
        bench.pump.request("update")
        bench.run_for(1)
        bench.reconnect()
        assert bench.pump.status()["time_ms"] < 3000
        assert ("command", "update") in [(event["kind"], event["text"]) for event in bench.pump.events()]


def test_a_pump_at_work_says_no_and_goes_on() -> None:
    with open_bench("sim://") as bench:
        start(bench, flat(25, 60))
        bench.run_for(2)
        with pytest.raises(Refused, match="INFUSING"):
            bench.pump.request("update")
        before = bench.steps
        bench.run_for(5)
        assert bench.steps > before
        assert bench.pump.status()["state"] == "INFUSING"


@pytest.mark.parametrize("state", sorted(states.STATES))
def test_only_idle_and_fault_say_yes(state: str) -> None:
    """FAULT too: it may come of the firmware, and its motor stays off until the power cycle."""
    with open_bench("sim://") as bench:
        assert isinstance(bench.target, Simulated)
        controller = bench.target.app.controller
        controller.state = state
        _, error = controller.act("update", {})
        assert (error is None) == (state in ("IDLE", "FAULT"))
        assert controller.leaving == (error is None)


def test_a_program_that_does_not_fit_into_ram_is_refused() -> None:
    with open_bench("sim://") as bench:
        assert isinstance(bench.target, Simulated)
        bench.target.app.controller.boot = {"free_bytes": 77_000}
        with pytest.raises(Refused, match="phases: 242 do not fit into RAM; at most 241 do"):
            bench.pump.load(header(phases := flat(25, 60) * 242), phases)
        bench.pump.load(header(phases := flat(25, 60) * 241), phases)
