"""What a pump tells its host unasked, and what a host may ask of a run: a bolus, the hold rate, and to go on."""

from itertools import pairwise
from typing import Any

import pytest

from pump.core import wire
from pump.core.commands import PHASE_BYTES, RESERVE_BYTES
from pump.core.screen import figures
from tests.core.hosts import KEY_S, PARAMS, PL_H, hold_keys, notices, reach, refusal, start_under, statuses, under_entry
from tests.core.pumps import Pump, Refused
from tests.programs import flat

TICK_MS = 100
KVO_NL_H = 500_000
BOLUS = {"bolus_nl": 100_000, "bolus_ms": 8000, "bolus_lockout_ms": 60_000}


@pytest.mark.requirement("SR-LINK-01")
def test_state_and_rate_are_told_every_second_and_at_every_change() -> None:
    pump = under_entry()
    phases = [*flat(25, 3.42), ["pause", 1310, 0, 0], ["ramp", 3000, 20 * PL_H, 80 * PL_H], *flat(80, 3.73)]
    start_under(pump, phases)
    pump.run(9.05)
    pump.ask("pause")
    pump.run(5)
    pump.ask("resume")
    pump.run(6)
    told = statuses(pump)
    gaps_ms = [later["time_ms"] - sooner["time_ms"] for sooner, later in pairwise(told)]
    assert max(gaps_ms) <= 1000 + TICK_MS
    moves = [(entry[1], entry[3].split(":")[0].split(" > ")) for entry in pump.log if entry[2] == "state"]
    for at_ms, (_before, state) in moves[2:]:
        later = next(status for status in told if status["time_ms"] >= at_ms and status["state"] == state)
        assert later["time_ms"] - at_ms <= TICK_MS
    assert [state for _, (_, state) in moves[2:]] == ["INFUSING", "PAUSED", "INFUSING", "KVO"]
    begun_ms = {status["phase"]: status["infused_ms"] for status in reversed(told) if status["state"] == "INFUSING"}
    for phase, ends_ms in enumerate((3420, 4730, 7730)):
        assert 0 <= begun_ms[phase + 1] - ends_ms <= TICK_MS
    rates = [(status["phase"], status["rate_nl_h"]) for status in told if status["state"] == "INFUSING"]
    assert {rate for phase, rate in rates if phase != 2} == {25_000_000, 0, 80_000_000}
    assert len({rate for phase, rate in rates if phase == 2}) >= 3, "of a ramp it is that of the moment"
    assert {status["rate_nl_h"] for status in told if status["state"] == "PAUSED"} == {0}


@pytest.mark.requirement("SR-LINK-02")
def test_every_entry_of_the_log_is_told_and_what_the_link_missed_follows() -> None:
    pump = Pump()
    pump.start(flat(25, 600), attended=True)
    pump.target.fit(False)
    pump.run(2)
    live = notices(pump, "event")
    assert [list(event.values()) for event in live] == pump.log, "all of it, in order, and in time"
    assert any(event["text"].startswith("SYRINGE_MISSING") for event in live)
    pump.target.plug_link(False)
    pump.heartbeats = False
    pump.target.set_temperature(90)
    pump.run(20)
    assert notices(pump, "event") == live
    pump.target.plug_link(True)
    missed: list[Any] = []
    last = live[-1]["sequence"]
    while page := pump.ask("events", after=missed[-1][0] if missed else last)["entries"]:
        missed += page
    assert [list(each) for each in missed] == pump.log[last:]
    assert {text.split()[0] for _, _, kind, text in missed if kind == "alarm"} == {"OVERHEATED", "LINK_LOST"}


# --- a bolus that the host asks for


@pytest.mark.requirement("SR-LINK-03")
@pytest.mark.parametrize("ms", [1000, 24_000])
def test_the_host_sets_how_long_its_bolus_lasts(ms: int) -> None:
    pump = Pump()
    pump.start(flat(10, 600))
    pump.run(2)
    pump.ask("bolus", volume_nl=5000, duration_ms=ms, overrides=[])
    pump.run(ms / 1000)
    assert pump.state == "BOLUS"
    pump.run(0.6)  # what was planned already goes on before it begins
    assert pump.state == "INFUSING"


@pytest.mark.requirement("SR-LINK-03")
@pytest.mark.parametrize("ms", [999, 3_600_001])
def test_a_bolus_is_given_in_a_second_to_an_hour(ms: int) -> None:
    pump = Pump()
    pump.start(flat(10, 7200))
    assert refusal(pump, "bolus", volume_nl=1000, duration_ms=ms) == wire.BEYOND_LIMIT
    assert refusal(pump, "bolus", volume_nl=1000, duration_ms=min(max(ms, 1000), 3_600_000)) is None


def by_host(pump: Pump) -> None:
    pump.run(0.4 + KEY_S)
    refusal(pump, "bolus", volume_nl=BOLUS["bolus_nl"], duration_ms=BOLUS["bolus_ms"])
    pump.run(0.4)


def by_key(pump: Pump) -> None:
    hold_keys(pump, "bolus")


@pytest.mark.requirement("SR-LINK-03")
@pytest.mark.parametrize(("limits", "reason"), [({}, "locked out for another "), ({"bolus_count": 1}, "1 within ")])
def test_a_bolus_of_the_host_is_held_to_what_holds_at_the_key(limits: dict[str, int], reason: str) -> None:
    found = []
    for ask, by in ((by_host, ""), (by_key, " (key)")):
        lockout_ms = 1000 if limits else BOLUS["bolus_lockout_ms"]
        pump = under_entry(**{"bolus_lockout_ms": lockout_ms} | limits)
        start_under(pump, flat(10, 600), **BOLUS | {"bolus_lockout_ms": lockout_ms})
        ask(pump)
        assert pump.state == "BOLUS"
        pump.run(20)
        assert pump.state == "INFUSING"
        ask(pump)
        assert pump.state == "INFUSING"
        assert pump.told("refused")[-1].startswith(f"bolus{by}: bolus: {reason}")
        doses = pump.ask("doses")
        found.append([doses[name] for name in ("requested", "delivered", "refused", "abandoned", "given_nl")])
    assert found[0] == found[1]
    assert found[0][:4] == [2, 1, 1, 0]


@pytest.mark.requirement("SR-LINK-03")
def test_a_volume_of_the_hosts_own_is_held_to_the_entry() -> None:
    pump = under_entry(bolus_hard_high_nl=100_000, bolus_soft_high_nl=100_000)
    start_under(pump, flat(10, 600))
    with pytest.raises(Refused, match="bolus_hard_high_nl: 100001; the hard limit is 100000"):
        pump.ask("bolus", volume_nl=100_001, duration_ms=8000, overrides=[])
    assert pump.state == "INFUSING"
    assert refusal(pump, "bolus", volume_nl=100_000) is None


# --- a hazard that another device saw


@pytest.mark.requirement("SR-LINK-04", "SR-LINK-05")
def test_a_hazard_command_holds_until_an_explicit_resume() -> None:
    """And nothing else that may happen then brings the program back, the end of the hold's own time least of all."""
    pump = under_entry(kvo_nl_h=KVO_NL_H, kvo_ms=120_000, kvo_nl=1_000_000)
    start_under(pump, flat(25, 600))
    pump.run(5.5)
    infused_ms = pump.ask("status")["infused_ms"]
    assert pump.ask("hold") == {}
    pump.run(0.3)
    told = statuses(pump)[-1]
    assert (told["state"], told["rate_nl_h"]) == ("KVO", KVO_NL_H)
    assert "KVO" in figures(pump.controller)[0]
    assert pump.told("command")[-1] == "hold"
    assert pump.told("state")[-1] == "INFUSING > KVO: HAZARD"
    for method in ("hold", "heartbeat", "acknowledge", "hello", "sign_in", "bolus", "adjust", "start"):
        refusal(pump, method)
        pump.run(10)
        assert pump.state == "KVO"
        assert statuses(pump)[-1]["rate_nl_h"] == KVO_NL_H
    pump.ask("sign_in", **PARAMS["sign_in"])
    pump.run(120.4)
    assert pump.state == "PAUSED", "the hold has had its time"
    assert statuses(pump)[-1]["infused_ms"] == infused_ms
    pump.ask("resume")
    pump.run(0.3)
    told = statuses(pump)[-1]
    assert (told["state"], told["rate_nl_h"]) == ("INFUSING", 25_000_000)
    assert "INFUSING" in figures(pump.controller)[0]
    assert pump.told("command")[-1] == "resume"


@pytest.mark.parametrize("timed", [False, True])
def test_a_run_is_cut_into_no_more_pieces_than_there_is_room_for_in_memory(timed: bool) -> None:
    pump = Pump()
    pump.controller.boot = {"free_bytes": RESERVE_BYTES + 8 * PHASE_BYTES}
    kind = "bolus" if timed else "infuse"
    pump.start([[kind, 600_000, 25 * PL_H, 25 * PL_H] + ([] if timed else [0, 40 * PL_H])])
    asked = ("bolus", {"duration_ms": 1000}) if timed else ("adjust", {})
    for _ in range(10):
        pump.run(3)
        code = refusal(pump, asked[0], **asked[1])
    assert code == wire.BEYOND_LIMIT
    assert pump.controller.infusion
    assert 6 <= len(pump.controller.infusion.phases) <= 8
    assert pump.state == "INFUSING"


@pytest.mark.requirement("SR-KVO-02")
@pytest.mark.parametrize("timed", [False, True])
def test_in_a_bolus_the_hold_is_no_faster_than_the_basal_rate(timed: bool) -> None:
    pump = under_entry(kvo_nl_h=KVO_NL_H)
    bolus = [["bolus", 360_000, 5 * PL_H, 5 * PL_H]]
    start_under(pump, flat(0.2, 20) + (bolus if timed else flat(0.2, 360)))
    pump.run(10)
    if not timed:
        pump.ask("bolus", volume_nl=500_000, duration_ms=300_000, overrides=[])
    pump.run(30)
    assert statuses(pump)[-1]["rate_nl_h"] > 4_000_000
    pump.ask("hold")
    pump.run(2)
    told = statuses(pump)[-1]
    assert (told["state"], told["rate_nl_h"]) == ("KVO", 200_000)


@pytest.mark.requirement("SR-LINK-05")
def test_a_resume_ends_the_hold_at_once_by_host_or_key() -> None:
    for by in ("", " (key)"):
        pump = under_entry(kvo_nl_h=KVO_NL_H)
        start_under(pump, flat(25, 600))
        pump.ask("hold")
        pump.run(30)
        assert pump.state == "KVO"
        if by:
            hold_keys(pump, "start", "mute")
        else:
            pump.ask("resume")
            pump.run(0.3)
        assert statuses(pump)[-1]["state"] == "INFUSING"
        assert pump.told("command")[-1] == f"resume{by}"


@pytest.mark.requirement("SR-LINK-04")
def test_a_hold_by_key_is_told_apart_from_one_of_the_host() -> None:
    pump = under_entry(kvo_nl_h=KVO_NL_H)
    start_under(pump, flat(25, 600))
    hold_keys(pump, "start", "bolus")
    assert pump.state == "KVO"
    assert pump.told("command")[-1] == "hold (key)"
    reach(pump, "IDLE")
    with pytest.raises(Refused, match="hold in state IDLE"):
        pump.ask("hold")
