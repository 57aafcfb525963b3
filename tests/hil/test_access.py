"""Who may ask for what: sessions of operators, and the two locks that only a hand at the pump opens."""

from typing import Any

import pytest

from hil.bench import Bench
from pump.core import wire
from pump.core.access import digest_of
from pump.core.library import Library
from tests.core.entries import entry
from tests.programs import SYRINGE, flat, follow, header, start
from titrate import library_link
from titrate.client import Pump
from titrate.errors import LinkError, Refused

SIM_ONLY = pytest.mark.sim_only("who may do what is decided by the same core on every target")
PHASES = flat(25, 60)


def ask(pump: Pump, method: str, **params: Any) -> dict[str, Any]:
    """A request as it is, without what the client would do about a refusal."""
    return pump._request(method, **params)


def sign_in(pump: Pump, operator: str = "bench", passphrase: str = "", **changed: str) -> None:
    who = {"operator": operator, "passphrase": passphrase, "label": "a run", "wire": wire.table_digest()} | changed
    ask(pump, "sign_in", **who)


def logged(bench: Bench, kind: str) -> list[str]:
    return [event["text"] for event in bench.pump.events() if event["kind"] == kind]


def as_operator(bench: Bench, name: str, passphrase: str) -> Pump:
    """A new client on the same pump."""
    assert bench.port
    bench.reconnect()
    return Pump(bench.port, name, passphrase)


def record(bench: Bench, name: str, passphrase: str, administrator: bool) -> None:
    digest = digest_of("salt", passphrase)
    bench.pump.request("operator", name=name, salt="salt", digest=digest, administrator=administrator)


@pytest.mark.requirement("SR-AUTH-01")
def test_what_starts_or_changes_something_wants_a_session_and_the_rest_does_not(bench: Bench) -> None:
    pump = bench.pump
    for method, params in (
        ("syringe", {"syringe": SYRINGE, "fill_nl": 50_000_000}),
        ("load", {"program": header(PHASES), "first": 0, "phases": PHASES}),
        ("configure", {"settings": pump.settings()}),
    ):
        with pytest.raises(Refused, match="no session is open"):
            ask(pump, method, **params)
    for method in ("status", "stop", "acknowledge", "operators", "heartbeat", "doses"):
        ask(pump, method)
    with pytest.raises(Refused, match="no such operator"):
        sign_in(pump, "nobody")
    assert any("sign_in: no such operator" in text for text in logged(bench, "refused"))
    sign_in(pump)
    assert "bench begins run a run" in logged(bench, "session")
    ask(pump, "syringe", syringe=SYRINGE, fill_nl=50_000_000)
    assert pump.status()["operator"] == "bench"


@SIM_ONLY
@pytest.mark.requirement("SR-AUTH-02")
def test_a_session_that_nobody_uses_closes_after_three_minutes_but_not_while_it_infuses(bench: Bench) -> None:
    sign_in(bench.pump)
    bench.run_for(178)
    assert bench.target.app.controller.access.operator == "bench"  # type: ignore[attr-defined]
    bench.run_for(4)
    bench.reconnect()
    assert bench.pump.status()["operator"] == ""
    assert any("closed, nothing was asked for 180 s" in text for text in logged(bench, "session"))
    with pytest.raises(Refused, match="no session"):
        ask(bench.pump, "syringe", syringe=SYRINGE, fill_nl=50_000_000)
    start(bench, flat(25, 600))
    follow(bench, lambda status: status["infused_ms"] > 200_000)
    assert bench.pump.status()["operator"] == "bench"


@SIM_ONLY
@pytest.mark.requirement("SR-LINK-10", "SR-UI-11")
def test_a_host_of_other_tables_or_a_run_without_a_label_gets_no_session(bench: Bench) -> None:
    with pytest.raises(Refused, match="install the matching host"):
        sign_in(bench.pump, wire="0123456789abcdef")
    with pytest.raises(Refused, match="label: must name the run"):
        sign_in(bench.pump, label="")
    with pytest.raises(Refused, match="no session"):
        ask(bench.pump, "load", program=header(PHASES), first=0, phases=PHASES)
    for label in ("rat 7", "rat 7", "rat 8"):
        sign_in(bench.pump, label=label)
    told = ["bench begins run rat 7", "bench goes on with run rat 7", "bench begins run rat 8"]
    assert logged(bench, "session") == told


@SIM_ONLY
@pytest.mark.requirement("SR-AUTH-05", "SR-LIB-12")
def test_an_operator_needs_the_passphrase_and_only_an_administrator_sets_the_pump_up(bench: Bench) -> None:
    record(bench, "ada", "engine", True)
    record(bench, "tom", "bench", False)
    stored = bench.target.store.files["operators"]  # type: ignore[attr-defined]
    assert b"engine" not in stored
    with pytest.raises(Refused, match="no such operator"):
        sign_in(bench.pump, "bench")
    with pytest.raises(Refused, match="another passphrase"):
        sign_in(bench.pump, "ada", "motor")
    tom = as_operator(bench, "tom", "bench")
    tom.syringe(SYRINGE, 50_000_000)
    tom.load(header(PHASES), PHASES)
    for change in (
        lambda: tom.configure(occlusion_level=0),
        lambda: library_link.upload(tom, Library([entry()])),
        lambda: tom.request("operator", name="eve", salt="", digest="x", administrator=True),
        lambda: tom.request("clear", what="operators"),
    ):
        with pytest.raises(Refused, match="tom is no administrator"):
            change()
    as_operator(bench, "ada", "engine").configure(occlusion_level=0)


@SIM_ONLY
@pytest.mark.requirement("SR-AUTH-05")
def test_after_five_wrong_passphrases_nobody_gets_in_for_a_minute(bench: Bench) -> None:
    record(bench, "ada", "engine", True)
    for _ in range(5):
        with pytest.raises(Refused, match="another passphrase"):
            sign_in(bench.pump, "ada", "motor")
    with pytest.raises(Refused, match="too many wrong passphrases: wait 60 s"):
        sign_in(bench.pump, "ada", "engine")
    bench.run_for(61)
    bench.reconnect()
    sign_in(bench.pump, "ada", "engine")
    assert sum("sign_in" in text for text in logged(bench, "refused")) >= 2


@SIM_ONLY
@pytest.mark.requirement("SR-AUTH-05")
def test_operators_outlive_the_power_and_one_of_them_stays_an_administrator(bench: Bench) -> None:
    with pytest.raises(Refused, match="one of them must be an administrator"):
        record(bench, "tom", "bench", False)
    record(bench, "ada", "engine", True)
    bench.cut_power()
    bench.restore_power()
    bench.run_for(2)
    with pytest.raises(Refused, match="no such operator"):
        sign_in(bench.pump, "bench")
    sign_in(bench.pump, "ada", "engine")


@pytest.mark.requirement("SR-AUTH-07")
def test_settings_are_written_only_after_a_hand_at_the_pump_and_for_ten_minutes(bench: Bench) -> None:
    pump = bench.pump
    sign_in(pump)
    settings = pump.settings()
    with pytest.raises(Refused, match="hold START for a second, then MUTE"):
        ask(pump, "configure", settings=settings)
    bench.hold_in_turn(("start", "mute"))
    ask(pump, "configure", settings=settings)
    assert pump.request("operators")["maintenance_ms"] > 590_000
    bench.run_for(601)
    bench.reconnect()
    sign_in(bench.pump)
    with pytest.raises(Refused, match="hold START"):
        ask(bench.pump, "configure", settings=settings)


@pytest.mark.requirement("SR-POST-07", "SR-AUDIO-09")
def test_after_power_on_the_pump_is_locked_until_somebody_has_heard_and_seen_it(bench: Bench) -> None:
    assert bench.tone_edges or bench.run_for(4) is None
    pump = bench.pump
    sign_in(pump)
    ask(pump, "syringe", syringe=SYRINGE, fill_nl=50_000_000)
    with pytest.raises(Refused, match="hold MUTE for a second if you have heard"):
        ask(pump, "load", program=header(PHASES), first=0, phases=PHASES)
    assert any(hz for _, hz in bench.tone_edges), "it has sounded"
    assert {1, 2, 4} <= {shown & light for _, shown in bench.light_edges for light in (1, 2, 4)}, "and shone"
    assert any("heard the buzzer" in text for text in logged(bench, "refused"))
    bench.hold_in_turn(("mute",))
    assert "buzzer and lights (key)" in logged(bench, "heard")
    ask(pump, "load", program=header(PHASES), first=0, phases=PHASES)
    bench.cut_power()
    bench.restore_power()
    bench.run_for(4)
    sign_in(bench.pump)
    with pytest.raises(Refused, match="hold MUTE"):
        ask(bench.pump, "load", program=header(PHASES), first=0, phases=PHASES)


@SIM_ONLY
def test_a_client_without_a_hand_at_the_pump_says_what_is_wanted(bench: Bench) -> None:
    bench.pump.at_the_pump = None
    with pytest.raises(Refused, match="hold MUTE"):
        start(bench, PHASES)

    def nobody(keys: Any) -> None:
        raise LinkError(f"nobody is there for {', '.join(keys)}")

    bench.pump.at_the_pump = nobody
    with pytest.raises(LinkError, match="nobody is there for mute"):
        start(bench, PHASES)


@SIM_ONLY
@pytest.mark.requirement("SR-UI-10")
@pytest.mark.parametrize("what", ["settings", "library", "operators"])
def test_to_forget_something_takes_a_confirmation_of_that_very_request(bench: Bench, what: str) -> None:
    pump = bench.pump
    pump.configure(occlusion_level=0)
    library_link.upload(pump, Library([entry()]))
    record(bench, "ada", "engine", True)
    pump = as_operator(bench, "ada", "engine")
    token = pump.request("clear", what=what)["token"]
    with pytest.raises(Refused, match="not that of the request before"):
        pump.request("clear_confirm", token="00000000")
    pump.syringe(SYRINGE, 50_000_000)
    with pytest.raises(Refused, match="not that of the request before"):
        pump.request("clear_confirm", token=token)
    assert pump.settings()["occlusion_level"] == 0
    pump.request("clear_confirm", token=pump.request("clear", what=what)["token"])
    assert (pump.settings()["occlusion_level"] != 0) == (what == "settings")
    assert (pump.status()["library"] == "") == (what == "library")
    assert (pump.request("operators")["operators"] == []) == (what == "operators")
    with pytest.raises(Refused, match="what: must be one of"):
        pump.request("clear", what="everything")


@pytest.mark.requirement("SR-LIB-13")
def test_the_pump_keeps_which_library_came_in_force_when(bench: Bench) -> None:
    first, second = Library([entry()]), Library([entry(version=2), entry(code="other")])
    library_link.upload(bench.pump, first, 1_790_000_000)
    library_link.upload(bench.pump, second, 1_790_086_400)
    wanted = [f"1790000000 {first.digest[:16]} test/1", f"1790086400 {second.digest[:16]} other/1 test/2"]
    assert bench.pump.request("library_history")["lines"] == wanted
    bench.cut_power()
    bench.restore_power()
    bench.run_for(4)
    assert bench.pump.request("library_history")["lines"] == wanted
