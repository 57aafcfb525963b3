"""A program in a whole pump: that it is for this one and no other, and that it can be read as it is stored."""

from typing import Any

import pytest

from pump.core import wire
from tests.core.entries import CONCENTRATION_NG_ML, WEIGHT_G
from tests.core.hosts import PHASES as STEADY
from tests.core.hosts import cues, reach, refusal, under_entry
from tests.core.pumps import FILL_NL, Pump, Refused
from tests.programs import SYRINGE, flat, header

PHASES = [*flat(25, 60), ["ramp", 90_000, 10**9, 5 * 10**9], *flat(5, 30)] * 3  # more than two parts
ONE_CONCENTRATION = {"concentration_low_ng_ml": CONCENTRATION_NG_ML, "concentration_high_ng_ml": CONCENTRATION_NG_ML}
UNDER_ENTRY = {"concentration_ng_ml": CONCENTRATION_NG_ML, "weight_g": WEIGHT_G, "code": "test"}


def named(pump: Pump) -> dict[str, str]:
    """What a program names that is for this pump and no other."""
    firmware: str = pump.ask("hello")["firmware"]
    pump.ask("sign_in", operator="bench", passphrase="", label="test", wire=wire.table_digest())
    return {
        "pump": pump.controller.serial,
        "firmware": firmware[:16],
        "library": pump.controller.dosing.library.digest[:16],
    }


def give(pump: Pump, program: dict[str, Any], digest: str = "") -> None:
    """The two steps before motion, and the start; the digest is the program's own if no other is given."""
    pump.ask("syringe", syringe=SYRINGE, fill_nl=FILL_NL)
    phases = flat(25, 60)
    found = pump.ask("load", program=program, first=0, phases=phases)["digest"]
    pump.ask("confirm", digest=digest or found, overrides=[])
    pump.ask("start")


@pytest.mark.requirement("SR-AUTH-04")
@pytest.mark.parametrize("key", ["pump", "firmware", "library", "syringe", "drug", "concentration_ng_ml", "digest"])
def test_a_program_is_for_the_pump_syringe_and_fluid_that_it_names_and_starts_nowhere_else(key: str) -> None:
    pump = under_entry(**ONE_CONCENTRATION)
    right = header(flat(25, 60), **UNDER_ENTRY, **named(pump))
    wrong: dict[str, Any] = {
        "syringe": "bd-plastipak-20",
        "drug": "ketamin",
        "concentration_ng_ml": CONCENTRATION_NG_ML + 1,
    }
    if key in ("pump", "firmware", "library"):
        wrong[key] = right[key][:-1] + ("0" if right[key][-1] != "0" else "1")
    changed = right | {name: value for name, value in wrong.items() if name == key}
    if key == "syringe":
        changed["fill_nl"] = 20_000_000
    digest = wire.program_digest(right, flat(25, 61)) if key == "digest" else ""
    with pytest.raises(Refused) as refused:
        give(pump, changed, digest)
    said = {"drug": "code: the drug library has no entry test", "concentration_ng_ml": "concentration_high_ng_ml"}
    assert refused.value.reason.startswith(said.get(key, f"{key}: "))
    assert pump.told("refused")[-1].endswith(refused.value.reason[:140])
    assert refusal(pump, "start") == wire.NOT_IN_STATE
    pump.run(2)
    assert (pump.state, pump.controller.total_steps, cues(pump)) == ("IDLE", 0, 1)
    give(pump, right)
    pump.run(2)
    assert (pump.state, pump.controller.total_steps > 0) == ("INFUSING", True)


def read(pump: Pump) -> tuple[dict[str, Any], list[list[Any]], str]:
    """The program in force as the pump stores it, page by page."""
    phases: list[list[Any]] = []
    while page := (found := pump.ask("program", first=len(phases)))["phases"]:
        phases += page
    return found["program"], phases, found["digest"]


@pytest.mark.requirement("SR-UI-01")
def test_the_whole_program_in_force_is_there_to_be_read_at_any_time() -> None:
    pump = Pump()
    assert refusal(pump, "program", first=0) == wire.WRONG_PARAMETERS, "there is none"
    whole = header(PHASES)
    pump.ask("syringe", syringe=SYRINGE, fill_nl=FILL_NL)
    for first in range(0, len(PHASES), wire.PHASES_PER_LOAD):
        part = PHASES[first : first + wire.PHASES_PER_LOAD]
        digest = pump.ask("load", program=whole, first=first, phases=part)["digest"]
    pump.ask("confirm", digest=digest, overrides=[])
    stored = (whole, PHASES, wire.program_digest(whole, PHASES))
    seen = []
    for ask, params in (
        ("status", {}),
        ("start", {}),
        ("bolus", {"volume_nl": 20_000, "duration_ms": 4000, "overrides": []}),
        ("pause", {}),
    ):
        pump.ask(ask, **params)
        seen.append(pump.state)
        assert read(pump) == stored
        pump.run(2)
        assert read(pump) == stored
    pump.ask("resume")
    pump.target.fit(False)
    pump.run(2)
    seen.append(pump.state)
    assert read(pump) == stored
    pump.restart()
    seen.append(pump.state)
    assert read(pump) == stored, "nor does that take a session"
    assert seen == ["READY", "INFUSING", "BOLUS", "PAUSED", "ALARM", "ALARM"]


@pytest.mark.requirement("SR-LIB-15")
@pytest.mark.parametrize("state", ["READY", "INFUSING", "PAUSED"])
@pytest.mark.parametrize(("drug", "ng_ml"), [("midazolam", 980_000), ("ketamine", 980_001)])
def test_another_fluid_stops_the_program_and_takes_its_readiness_and_the_fill(
    state: str, drug: str, ng_ml: int
) -> None:
    pump = Pump()
    reach(pump, state)
    pump.run(2)
    assert pump.ask("fluid", drug="ketamine", concentration_ng_ml=980_000) == {"state": state}, "its own"
    pump.run(2)
    assert (pump.state, pump.target.motor_on) == (state, state == "INFUSING")
    counted = pump.ask("status")["counted_nl"]
    assert pump.ask("fluid", drug=drug, concentration_ng_ml=ng_ml) == {"state": "IDLE"}
    made = pump.target.stepper.pulses
    pump.run(2)
    assert (pump.target.motor_on, pump.target.stepper.pulses) == (False, made)
    status = pump.ask("status")
    assert (status["remaining_nl"], status["empty_s"]) == (0, -1)
    assert status["counted_nl"] == pytest.approx(counted, abs=20_000), "what was given stays told"
    assert pump.told("command")[-1] == "fluid"
    for method in ("start", "resume"):
        assert refusal(pump, method) is not None
    program = {"program": header(STEADY, drug=drug, concentration_ng_ml=ng_ml), "first": 0, "phases": STEADY}
    digest = pump.ask("load", **program)["digest"]
    assert refusal(pump, "confirm", digest=digest) == wire.BEYOND_LIMIT, "nothing is known of the fill"
    pump.ask("syringe", syringe=SYRINGE, fill_nl=FILL_NL)
    pump.ask("fluid", drug=drug, concentration_ng_ml=ng_ml)
    pump.ask("confirm", digest=digest, overrides=[])
    assert (pump.state, pump.ask("status")["empty_s"]) == ("READY", 4500), (
        "at 40 mL/h, the highest that it may be set to"
    )


@pytest.mark.requirement("SR-LIB-15")
def test_a_program_for_another_fluid_than_the_declared_is_not_confirmed_and_a_new_syringe_forgets_it() -> None:
    pump = Pump()
    digest = pump.load(STEADY)
    pump.ask("fluid", drug="midazolam", concentration_ng_ml=980_000)
    pump.ask("syringe", syringe=SYRINGE, fill_nl=FILL_NL)
    pump.ask("fluid", drug="midazolam", concentration_ng_ml=980_000)
    with pytest.raises(Refused, match="fluid: the syringe holds midazolam, 980000 ng/mL"):
        pump.ask("confirm", digest=digest, overrides=[])
    pump.ask("syringe", syringe=SYRINGE, fill_nl=FILL_NL)
    pump.ask("confirm", digest=digest, overrides=[])
    assert pump.state == "READY"


@pytest.mark.requirement("SR-LIB-15")
@pytest.mark.parametrize(("drug", "ng_ml"), [("", 1), ("x" * 41, 1), ("ketamine", 0), ("ketamine", 10**12)])
def test_a_fluid_that_no_program_could_be_for_is_refused_and_stops_nothing(drug: str, ng_ml: int) -> None:
    pump = Pump()
    reach(pump, "INFUSING")
    assert refusal(pump, "fluid", drug=drug, concentration_ng_ml=ng_ml) == wire.WRONG_PARAMETERS
    pump.run(1)
    assert pump.state == "INFUSING"
