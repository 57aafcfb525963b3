"""Sessions and locks of a whole pump: what it does without them, and that nothing but a request finds a way past."""

import copy
from typing import Any

import pytest

from pump.core import wire
from pump.core.access import digest_of
from pump.core.library import Library
from pump.core.screen import figures
from pump.core.session import checked
from tests.core.entries import entry
from tests.core.hosts import (
    PARAMS,
    SETTINGS,
    cues,
    hold_keys,
    notices,
    reach,
    record,
    refusal,
    statuses,
    upload,
)
from tests.core.pumps import Pump, Refused
from tests.programs import SYRINGE

STATES = ("IDLE", "READY", "INFUSING", "PAUSED")
SET_UP = (
    *("operator", "configure", "calibrate", "calibrate_pressure"),
    *("library_load", "library_confirm", "clear", "clear_confirm"),
)
# By state what starts a delivery or changes something, as the requirement has it.
WANT_A_SESSION = {
    "IDLE": ("syringe", "load", "confirm", "prime", "refill", *SET_UP),
    "READY": ("syringe", "load", "start"),
    "INFUSING": ("bolus", "adjust"),
    "PAUSED": ("syringe", "resume"),
}
FREE = ("status", "operators", "program", "events", "doses", "settings", "heartbeat", "mute", "acknowledge", "stop")
MOVE = ("load", "confirm", "start", "resume", "bolus", "adjust", "prime", "refill")


def furnished() -> Pump:
    """Set up otherwise than a new one, with an administrator, ada, and an operator who is none, tom."""
    pump = Pump()
    upload(pump, Library([entry(drug="saline"), entry(drug="water")]), 1_790_000_000)
    pump.ask("configure", settings=SETTINGS)
    pump.ask("calibrate", syringe=SYRINGE, slope_ppm=1000, residual_ppm=50, date="2026-11-23")
    record(pump, "ada", "engine", True)
    record(pump, "tom", "bench", False)
    return pump


def sign_in(pump: Pump, name: str, passphrase: str) -> None:
    pump.ask("sign_in", **PARAMS["sign_in"] | {"operator": name, "passphrase": passphrase})


def kept(pump: Pump) -> dict[str, Any]:
    """What only an administrator may change."""
    memory, access, library = pump.controller.memory, pump.controller.access, pump.controller.dosing.library
    found = {
        "settings": memory.settings,
        "calibration": memory.calibration,
        "operators": (access.operators, memory.operators),
        "library": (library.entries, library.digest, memory.library.digest, memory.library_history()),
    }
    return copy.deepcopy(found)


def ask_for_everything(pump: Pump, name: str, passphrase: str) -> dict[str, int | None]:
    """Every request of the table in four states, by one operator; with what each is refused in IDLE.

    Nothing but `update`, which ends the firmware, is left out.
    """
    codes = {}
    for state in STATES:
        for method in sorted(set(wire.METHODS) - {"update", "sign_in"}):
            if pump.controller.access.operator != name:
                sign_in(pump, name, passphrase)
            if pump.state != state:
                reach(pump, state)
            found = refusal(pump, method)
            if state == "IDLE":
                codes[method] = found
    return codes


def test_the_requests_of_these_tests_are_good() -> None:
    for method in wire.METHODS:
        assert checked({"id": 0, "method": method, "params": PARAMS.get(method, {})}) is None


@pytest.mark.requirement("SR-LIB-12")
def test_no_request_of_an_operator_changes_library_limits_or_settings() -> None:
    pump = furnished()
    before = kept(pump)
    codes = ask_for_everything(pump, "tom", "bench")
    assert {method for method, code in codes.items() if code == wire.NOT_ALLOWED} == set(SET_UP)
    assert kept(pump) == before
    reach(pump, "IDLE")
    sign_in(pump, "ada", "engine")
    for method in ("operator", "configure", "calibrate", "library_confirm"):
        assert refusal(pump, method) is None
        assert kept(pump) != before, "an administrator's does"
        before = kept(pump)


@pytest.mark.requirement("SR-AUTH-07")
def test_no_request_changes_or_allows_what_takes_a_hand_at_the_pump() -> None:
    pump = furnished()
    pump.controller.access.maintenance_ms = 0
    before = kept(pump)
    codes = ask_for_everything(pump, "ada", "engine")
    assert {method for method, code in codes.items() if code == wire.NO_MAINTENANCE} == set(SET_UP)
    assert kept(pump) == before
    assert pump.ask("operators")["maintenance_ms"] == 0
    reach(pump, "IDLE")
    hold_keys(pump, "start", "mute")
    assert 590_000 < pump.ask("operators")["maintenance_ms"] <= 600_000
    assert "the pump may be set up (key)" in pump.told("session")
    assert refusal(pump, "calibrate") is None
    assert kept(pump) != before


@pytest.mark.requirement("SR-AUTH-01")
@pytest.mark.parametrize("state", STATES)
def test_without_a_session_nothing_is_started_or_changed_but_anybody_reads_and_stops(state: str) -> None:
    pump = Pump()
    reach(pump, state)
    pump.ask("hello")
    before = kept(pump)
    for method in WANT_A_SESSION[state]:
        assert refusal(pump, method) == wire.NO_SESSION
        assert pump.state == state
    assert kept(pump) == before
    for method in FREE:
        assert refusal(pump, method) != wire.NO_SESSION
    assert pump.state == "IDLE"


@pytest.mark.requirement("SR-AUTH-01", "SR-AUTH-05")
def test_an_opening_that_fails_is_logged_told_and_heard() -> None:
    pump = furnished()
    pump.run(2)
    pump.ask("hello")
    for name, passphrase in (("nobody", ""), ("ada", "motor"), ("ada", "motor")):
        assert refusal(pump, "sign_in", operator=name, passphrase=passphrase) == wire.NO_SESSION
    pump.run(2)
    assert cues(pump) == 1, "of three at once"
    assert statuses(pump)[-1]["operator"] == ""
    sign_in(pump, "ada", "engine")
    refused = ["sign_in: no such operator, or another passphrase"]
    assert pump.told("refused") == refused, "the same again is counted, and told with the next thing that is asked"
    pump.ask("syringe", **PARAMS["syringe"])
    assert pump.told("refused") == [*refused, "the same 2 times more"]
    assert pump.told("session")[-1] == "ada goes on with run test"
    pump.run(2)
    assert statuses(pump)[-1]["operator"] == "ada"
    assert {event["text"] for event in notices(pump, "event")} >= set(refused)


@pytest.mark.requirement("SR-AUTH-05")
def test_no_passphrase_is_in_the_store_and_the_operators_outlive_the_power() -> None:
    pump = furnished()
    pump.run(2)
    pump.restart()
    stored = b"".join(pump.target.store.files.values())
    assert digest_of("salt", "engine").encode() in stored
    assert b"engine" not in stored
    assert refusal(pump, "sign_in") == wire.NO_SESSION, "the operator of a new pump is none of them"
    sign_in(pump, "ada", "engine")


@pytest.mark.requirement("SR-AUTH-02")
def test_a_pump_that_nobody_uses_closes_the_session_and_asks_for_another() -> None:
    pump = Pump()
    pump.run(179)
    assert pump.ask("status")["operator"] == "bench"
    assert cues(pump) == 0
    pump.run(2)
    assert statuses(pump)[-1]["operator"] == ""
    assert pump.told("session")[-1] == "bench: closed, nothing was asked for 180 s"
    assert cues(pump) == 1
    assert figures(pump.controller)[2][1] == "SESSION CLOSED"
    pump.run(3)
    assert figures(pump.controller)[2][1] != "SESSION CLOSED"
    with pytest.raises(Refused, match="no session is open: sign in first"):
        pump.ask("syringe", **PARAMS["syringe"])
    sign_in(pump, "bench", "")
    reach(pump, "INFUSING")
    pump.run(200)
    assert pump.ask("status")["operator"] == "bench"


@pytest.mark.requirement("SR-LINK-10")
def test_the_pump_names_its_tables_and_moves_for_no_host_of_others() -> None:
    for state, methods in WANT_A_SESSION.items():
        pump = Pump()
        reach(pump, state)
        steps = pump.controller.total_steps
        assert pump.ask("hello")["wire"] == wire.table_digest()
        assert refusal(pump, "sign_in", wire="0123456789abcdef") == wire.DIGEST_DIFFERS
        assert pump.told("refused")[-1].startswith("sign_in: wire: this pump has")
        for method in set(methods) & set(MOVE):
            assert refusal(pump, method) == wire.NO_SESSION
        assert pump.state == state
        if state != "INFUSING":
            pump.run(2)
            assert pump.controller.total_steps == steps


@pytest.mark.requirement("SR-UI-11")
def test_after_power_on_no_program_comes_in_before_somebody_names_the_run() -> None:
    pump = Pump()
    for _ in range(2):
        pump.run(2)
        pump.restart()
        hold_keys(pump, "mute")
        assert pump.ask("operators")["label"] == ""
        assert refusal(pump, "load") == wire.NO_SESSION
        assert refusal(pump, "sign_in", label="") == wire.WRONG_PARAMETERS
        assert refusal(pump, "load") == wire.NO_SESSION
        assert pump.controller.program is None
        assert refusal(pump, "sign_in", label="rat 7") is None
        assert refusal(pump, "sign_in", label="rat 7") is None
        assert pump.told("session")[-2:] == ["bench begins run rat 7", "bench goes on with run rat 7"]
        assert refusal(pump, "load") is None


@pytest.mark.requirement("SR-UI-10")
@pytest.mark.parametrize("what", ["calibration", "library", "operators", "settings"])
def test_nothing_is_forgotten_without_a_confirmation_of_that_very_request(what: str) -> None:
    pump = furnished()
    sign_in(pump, "ada", "engine")
    before = kept(pump)
    assert refusal(pump, "clear", what="everything") == wire.WRONG_PARAMETERS
    tokens = {"00000000"}
    for between in ("syringe", "clear"):
        tokens.add(pump.ask("clear", what=what)["token"])
        assert refusal(pump, between, **({"what": "settings"} if between == "clear" else {})) is None
        for token in tokens:
            assert refusal(pump, "clear_confirm", token=token) == wire.DIGEST_DIFFERS
    token = pump.ask("clear", what=what)["token"]
    assert token not in tokens
    assert kept(pump) == before, "to ask changes nothing yet"
    pump.ask("clear_confirm", token=token)
    after = kept(pump)
    assert {name for name in before if after[name] != before[name]} == {what}
    assert pump.told("cleared") == [what]
