"""What host and keys ask of a pump, and what it tells: in time, the same by both ways, and all of it in the log."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from hil.bench import HELD_S, Bench
from pump.core import framing
from tests.hil.test_dosing import STEP_NL, give, use
from tests.programs import SYRINGE, Oracle, flat, follow, header, start, state
from titrate.errors import Refused

CUE_HZ = 880
SAID_S = 0.25  # a tick, and what the line and an erase of the flash take
SIM_ONLY = pytest.mark.sim_only("long on the emulated chip; the same core decides")


def cues(bench: Bench, since_s: float) -> int:
    """Pulses of the refused input's pitch."""
    return len([at_us for at_us, hz in bench.tone_edges if at_us / 1e6 >= since_s and abs(hz - CUE_HZ) < 12])


def kinds(bench: Bench, kind: str) -> list[str]:
    return [event["text"] for event in bench.pump.events() if event["kind"] == kind]


# --- what the pump tells


@pytest.mark.requirement("SR-LINK-01")
@pytest.mark.requirement("SR-UI-03")
def test_state_and_rate_are_told_every_second_and_at_every_change(bench: Bench) -> None:
    """A program of four phases with a pause by the host; each change of state, phase or alarms has its own status."""
    phases = [
        ["infuse", 3400, 25 * 10**9, 25 * 10**9],
        ["pause", 1300, 0, 0],
        ["ramp", 3000, 20 * 10**9, 80 * 10**9],
        ["infuse", 3700, 80 * 10**9, 80 * 10**9],
    ]
    start(bench, phases)
    told: list[tuple[float, dict[str, Any]]] = []
    bench.pump.on_status = lambda status: told.append((bench.now_s, status))
    began_s = bench.enabled_us[-1] / 1e6
    while bench.now_s < began_s + 13:
        bench.pump.wait_status()
    assert max(after - at for (at, _), (after, _) in pairwise(told)) < 1 + SAID_S
    phase_at = {status["phase"]: at for at, status in reversed(told) if status["state"] == "INFUSING"}
    for phase, ends_s in enumerate((3.4, 4.7, 7.7)):
        assert phase_at[phase + 1] - began_s - ends_s == pytest.approx(SAID_S / 2, abs=SAID_S / 2 + 0.05)
    idle_s = next(at for at, status in told if status["state"] == "IDLE")
    assert idle_s - began_s - 11.4 < SAID_S + 0.05
    rates = {status["phase"]: status["rate_nl_h"] for _, status in told if status["state"] == "INFUSING"}
    assert (rates[0], rates[1], rates[3]) == (25_000_000, 0, 80_000_000)


@pytest.mark.requirement("SR-UI-03")
def test_the_rate_that_is_told_is_that_of_the_pulses(bench: Bench) -> None:
    """In a flat phase, on a ramp, with a bolus beside, and while it stands: the mean of both ends of each window."""
    phases = [*flat(40, 8), ["ramp", 16_000, 40 * 10**9, 120 * 10**9], *flat(120, 20)]
    start(bench, phases)
    before, windows = bench.pump.status(), 0
    for second in range(36):
        if second == 26:
            bench.pump.bolus(300_000, 6000)
        if second == 34:
            bench.pump.pause()
            bench.run_for(0.3)
            before = bench.pump.status()
        at_us = bench.target.now_us
        bench.run_for(1)
        steps = len([us for us in bench.step_times_us if us > at_us])
        after = bench.pump.status()
        if before["state"] == after["state"] and before["phase"] == after["phase"]:
            told_nl_h = (before["rate_nl_h"] + after["rate_nl_h"]) / 2
            assert steps * STEP_NL * 3600 == pytest.approx(told_nl_h, abs=1.6 * STEP_NL * 3600 + 0.005 * told_nl_h)
            windows += 1
        before = after
    assert windows > 28
    assert after["rate_nl_h"] == 0


@SIM_ONLY
@pytest.mark.requirement("SR-UI-03")
def test_the_rate_of_a_hold_is_told_too(bench: Bench) -> None:
    use(bench, kvo_nl_h=900_000, kvo_ms=3_600_000)
    give(bench, flat(25, 20))
    status = follow(bench, lambda status: status["state"] == "KVO")
    status = follow(bench, lambda status: True)
    steps, at_s = bench.steps, bench.now_s
    assert status["rate_nl_h"] == 900_000
    bench.run_for(400)
    assert (bench.steps - steps) * STEP_NL * 3600 / (bench.now_s - at_s) == pytest.approx(900_000, rel=0.01)


@pytest.mark.requirement("SR-RATE-07")
def test_a_load_that_is_refused_moves_no_step(bench: Bench) -> None:
    """Thirty of them while it runs: no step is early, none is late, and the program is the old one."""
    phases = flat(60, 60)
    start(bench, phases)
    began_us = bench.enabled_us[-1]
    other = flat(300, 60)
    for _ in range(30):
        bench.run_for(0.2)
        with pytest.raises(Refused, match="INFUSING"):
            bench.pump.load(header(other), other)
    assert bench.pump.status()["rate_nl_h"] == 60_000_000
    assert bench.pump.program()[1] == phases
    times_us = [at_us - began_us for at_us in bench.step_times_us if at_us >= began_us]
    assert len(times_us) > 250
    oracle = Oracle(phases)
    for number, at_us in enumerate(times_us, 1):
        ideal_us = number * float(oracle.step_pl) / (60 * 10**9) * 3.6e9
        assert -1 <= at_us - ideal_us <= 1010


# --- the same by host and by key


def by_host(bench: Bench) -> None:
    bench.pump.bolus(100_000, 8000)


def by_key(bench: Bench) -> None:
    bench.press("bolus", HELD_S)
    bench.run_for(1.4)
    bench.reconnect()


@SIM_ONLY
@pytest.mark.requirement("SR-LINK-03")
def test_a_bolus_of_the_host_is_held_to_what_holds_at_the_key(bench: Bench, bench_url: str) -> None:
    """The same volume in the same time, the same lockout, the same words of refusal, the same account."""
    from hil.bench import open_bench

    found = []
    for ask in (by_host, by_key):
        with open_bench(bench_url) as each:
            use(each, bolus_lockout_ms=60_000)
            give(each, flat(10, 600), bolus_nl=100_000, bolus_ms=8000, bolus_lockout_ms=90_000)
            each.run_for(3)
            ask(each)
            began_s = each.now_s
            assert each.pump.status()["state"] == "BOLUS"
            follow(each, lambda status: status["state"] == "INFUSING")
            took_s = each.now_s - began_s
            each.run_for(60)
            each.reconnect()
            if ask is by_host:
                with pytest.raises(Refused, match="locked out"):
                    ask(each)
            else:
                ask(each)
            reasons = [text.partition(": ")[2].split(" for ")[0] for text in kinds(each, "refused") if "bolus" in text]
            doses = each.pump.doses()
            account = tuple(doses[name] for name in ("requested", "delivered", "refused", "abandoned", "given_nl"))
            found.append((reasons, account, round(took_s)))
    assert found[0][0] == found[1][0] == ["bolus: locked out"]
    assert found[0][1] == found[1][1]
    assert found[0][1][:4] == (2, 1, 1, 0)
    assert abs(found[0][2] - found[1][2]) <= 1


@SIM_ONLY
@pytest.mark.requirement("SR-LINK-03")
def test_the_host_sets_how_long_its_bolus_lasts(bench: Bench) -> None:
    start(bench, flat(10, 600))
    bench.run_for(2)
    bench.pump.bolus(200_000, 24_000)
    at_us = bench.target.now_us
    bench.run_for(23)
    assert state(bench) == "BOLUS"
    follow(bench, lambda status: status["state"] == "INFUSING")
    lasted_s = bench.now_s - at_us / 1e6
    assert lasted_s == pytest.approx(24, abs=0.6)
    steps = len([us for us in bench.step_times_us if us > at_us])
    assert steps * STEP_NL == pytest.approx(200_000 + 10e6 / 3600 * lasted_s, abs=5 * STEP_NL)


def running(bench: Bench) -> None:
    start(bench, flat(25, 600))
    bench.run_for(2)


def in_a_bolus(bench: Bench) -> None:
    running(bench)
    bench.pump.bolus(200_000, 20_000)


def paused(bench: Bench) -> None:
    running(bench)
    bench.pump.pause()


def confirmed(bench: Bench) -> None:
    phases = flat(25, 600)
    bench.pump.syringe(SYRINGE, 50_000_000)
    bench.pump.confirm(bench.pump.load(header(phases), phases))


def in_alarm(bench: Bench) -> None:
    running(bench)
    bench.remove_syringe()
    bench.run_for(1)
    bench.fit_syringe()


def held(bench: Bench) -> None:
    use(bench, kvo_nl_h=900_000)
    give(bench, flat(25, 600))
    bench.run_for(2)
    bench.pump.hold()


def priming(bench: Bench) -> None:
    bench.pump.syringe(SYRINGE, 50_000_000)
    bench.pump.prime()
    bench.run_for(2)


def filling(bench: Bench) -> None:
    bench.pump.syringe(SYRINGE, 1_000_000)
    bench.pump.refill(20_000_000)
    bench.run_for(2)


STANDS = {
    "INFUSING": running,
    "BOLUS": in_a_bolus,
    "PAUSED": paused,
    "READY": confirmed,
    "ALARM": in_alarm,
    "KVO": held,
    "PRIMING": priming,
    "FILLING": filling,
    "IDLE": lambda bench: None,
}


@pytest.mark.requirement("SR-STOP-02")
@pytest.mark.requirement("SR-UI-16")
@pytest.mark.parametrize("where", STANDS)
def test_without_a_link_the_stop_key_ends_stepping_in_every_state(bench: Bench, where: str) -> None:
    STANDS[where](bench)
    assert state(bench) == where
    bench.unplug_link()
    bench.run_for(1)
    check_stop_key(bench)


@SIM_ONLY
@pytest.mark.requirement("SR-STOP-02")
@pytest.mark.parametrize("where", STANDS)
def test_with_a_link_the_stop_key_ends_stepping_in_every_state(bench: Bench, where: str) -> None:
    STANDS[where](bench)
    assert state(bench) == where
    check_stop_key(bench)


def check_stop_key(bench: Bench) -> None:
    bench.press("stop", 0.2)
    bench.run_for(0.3)
    steps = bench.steps
    bench.run_for(3)
    assert bench.steps == steps
    bench.plug_link()
    assert state(bench) == "IDLE"
    assert "stop (key)" in kinds(bench, "command")


@pytest.mark.requirement("SR-STOP-02")
@pytest.mark.requirement("SR-UI-16")
@pytest.mark.parametrize("key", ["stop", "start", "bolus", "mute"])
def test_with_a_key_that_is_stuck_the_host_stops_and_silences(bench: Bench, key: str) -> None:
    """Stuck while it runs. A stuck stop key has stopped it; the host's stop must work all the same."""
    running(bench)
    bench.remove_syringe()
    bench.run_for(1)
    bench.hold_key(key)
    bench.run_for(0.5)
    bench.reconnect()
    if key != "stop":  # which silences what is in force, and then there is nothing to pause
        bench.pump.mute(60)
        assert bench.pump.status()["muted_ms"] > 55_000
    bench.pump.stop()
    assert bench.pump.status()["state"] == "IDLE"
    steps = bench.steps
    bench.run_for(2)
    assert bench.steps == steps


@pytest.mark.requirement("SR-UI-16")
def test_without_a_host_the_keys_start_pause_sound_and_acknowledge(bench: Bench) -> None:
    """Start, bolus, sound pause, acknowledge, resume and stop: each by a key what the other tests do by the host."""
    phases = flat(25, 600)
    bench.pump.syringe(SYRINGE, 50_000_000)
    bench.pump.confirm(bench.pump.load(header(phases, bolus_nl=50_000, bolus_ms=4000), phases))
    bench.unplug_link()
    bench.run_for(1)

    def two_keys() -> None:
        for key in ("start", "mute"):
            bench.press(key, 1.3)
            bench.run_for(2)

    two_keys()
    steps = bench.steps
    bench.run_for(2)
    assert bench.steps > steps, "started"
    bench.press("bolus", 1.3)
    bench.run_for(2)
    bench.remove_syringe()
    bench.run_for(1)
    bench.press("mute", 1.3)
    bench.run_for(2)
    since_s = bench.now_s
    bench.run_for(8)
    assert not [at_us for at_us, hz in bench.tone_edges if hz and at_us / 1e6 > since_s], "silent"
    bench.fit_syringe()
    bench.run_for(1)
    two_keys()  # acknowledges
    steps = bench.steps
    two_keys()  # resumes
    bench.run_for(1)
    assert bench.steps > steps
    bench.press("stop", 0.2)
    bench.run_for(0.5)
    bench.plug_link()
    assert state(bench) == "IDLE"
    said = kinds(bench, "command")
    assert [text for text in said if "(key)" in text] == [
        "start (key)",
        "bolus (key)",
        "mute (key): 120000 ms",
        "acknowledge (key)",
        "resume (key)",
        "stop (key)",
    ]


# --- what is wrong


def ask_for_what_is_not_there(bench: Bench) -> None:
    """The client knows its methods: this line is sent by hand."""
    pump = bench.pump
    number = pump._id
    pump._send(framing.encode({"id": number, "method": "fly", "params": {}}))
    reply = pump._await_reply(number)
    pump._id += 1
    assert reply is not None
    raise Refused("fly", pump.state, reply["error"]["message"])


WRONG: dict[str, tuple[Callable[[Bench], Any], str]] = {
    "state": (lambda bench: bench.pump.request("start"), "start in state IDLE"),
    "limit": (lambda bench: bench.pump.request("syringe", syringe=SYRINGE, fill_nl=10**9), "fill_nl: must be 0 to"),
    "method": (ask_for_what_is_not_there, "unknown method"),
    "parameter": (lambda bench: bench.pump.request("mute", seconds=3), "mute: ms must be int"),
    "type": (lambda bench: bench.pump.request("mute", ms="3"), "mute: ms must be int"),
    "digest": (lambda bench: bench.pump.request("confirm", digest="0", overrides=[]), "no complete program"),
}


@pytest.mark.requirement("SR-AUDIO-08")
@pytest.mark.requirement("SR-LIB-06")
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_request_is_named_heard_and_logged(bench: Bench, what: str) -> None:
    ask, reason = WRONG[what]
    bench.run_for(3)
    bench.reconnect()
    bench.pump.status()
    since_s = bench.now_s
    with pytest.raises(Refused, match=reason):
        ask(bench)
    bench.run_for(1.5)
    assert cues(bench, since_s) == 1
    assert any(reason in text for text in kinds(bench, "refused"))
    bench.reconnect()
    assert bench.pump.status()["state"] == "IDLE", "it waits for another"


KEYS = {"start": ["start", "mute"], "bolus": ["bolus"], "mute": ["mute"]}


@pytest.mark.requirement("SR-AUDIO-08")
@pytest.mark.parametrize("what", KEYS)
def test_a_key_that_can_do_nothing_is_heard_and_logged(bench: Bench, what: str) -> None:
    if what == "start":
        priming(bench)
    else:
        use(bench)
        give(bench, flat(10, 600))  # under its entry, so that nothing sounds
    bench.run_for(2)
    since_s = bench.now_s
    for key in KEYS[what]:
        bench.press(key, HELD_S)
        bench.run_for(1.5)
    bench.run_for(1)
    bench.reconnect()
    assert cues(bench, since_s) == 1
    assert any(text.startswith(f"{what} (key): ") for text in kinds(bench, "refused"))


@SIM_ONLY
@pytest.mark.requirement("SR-DIAG-10")
def test_noise_on_the_link_that_a_retry_makes_good_is_logged_and_no_alarm(bench: Bench) -> None:
    bench.pump.status()
    for count in range(1, 41):
        line = framing.encode({"id": count, "method": "stop", "params": {}})
        bench.target.write(line[:10] + b"#" + line[11:])
        bench.run_for(1.5)
    bench.reconnect()
    assert bench.pump.status()["alarms"] == []
    mended = kinds(bench, "mended")
    assert mended[0] == "link: 1 faulty lines passed over"
    assert 4 <= len(mended) <= 6, "seldomer the more there are"
    assert bench.pump.status()["state"] == "IDLE"


@SIM_ONLY
@pytest.mark.requirement("SR-DIAG-10")
def test_a_torn_record_that_is_mended_is_logged_and_no_alarm(bench: Bench) -> None:
    """The journal's newest segment ends in the middle of a record, as a power cut leaves it."""
    bench.pump.status()
    store: Any = bench.target.store  # type: ignore[attr-defined]
    for _ in range(20):
        bench.pump.stop()
        bench.run_for(0.5)
    bench.reconnect()
    bench.pump.status()
    bench.cut_power()
    store.files["j-tail"] = store.files["j-tail"][:-5]
    bench.restore_power()
    bench.run_for(2)
    bench.reconnect()
    assert bench.pump.status()["alarms"] == []
    assert bench.pump.status()["state"] == "IDLE"
    assert kinds(bench, "mended") == ["journal: 1 records cut off in the middle"]


# --- the log


@pytest.mark.requirement("SR-LOG-01")
def test_each_action_of_operator_and_pump_and_each_event_has_its_record(bench: Bench) -> None:
    """One session in which everything happens once, and the whole log of it, in order."""
    pump = bench.pump
    phases = flat(60, 25)
    pump.configure(near_empty_level=0)
    pump.syringe(SYRINGE, 50_000_000)
    pump.confirm(pump.load(header(phases), phases))
    pump.start()
    bench.run_for(3)
    pump.bolus(50_000, 3000)
    bench.run_for(5)
    bench.reconnect()
    bench.pump.pause()
    bench.pump.resume()
    bench.run_for(1)
    bench.remove_syringe()
    bench.run_for(1)
    bench.reconnect()
    bench.pump.mute(5)
    bench.fit_syringe()
    bench.run_for(1)
    bench.reconnect()
    bench.pump.acknowledge()
    bench.pump.resume()
    bench.run_for(1)
    bench.reconnect()
    bench.pump.hold()
    bench.pump.resume()
    with pytest.raises(Refused):
        bench.pump.confirm("0")
    follow(bench, lambda status: status["state"] == "IDLE")
    bench.run_for(1)
    bench.reconnect()
    bench.pump.stop()
    found = []
    for event in bench.pump.events():
        kind, text = event["kind"], event["text"]
        found.append(f"{kind} {text.partition(' at ')[0].partition(':')[0] if kind != 'state' else text}")
    expected = [
        "state BOOT > IDLE: SELF_TEST_PASSED",
        "command configure",
        "command syringe",
        "command load",
        "state IDLE > READY: CONFIRM",
        "command confirm",
        "state READY > INFUSING: START",
        "command start",
        "alarm LIBRARY_MISSING",
        "state INFUSING > BOLUS: BOLUS",
        "command bolus",
        "state BOLUS > INFUSING: BOLUS_DONE",
        "state INFUSING > PAUSED: PAUSE",
        "command pause",
        "state PAUSED > INFUSING: RESUME",
        "command resume",
        "alarm SYRINGE_MISSING",
        "state INFUSING > ALARM: HALT",
        "command mute",
        "cleared SYRINGE_MISSING",
        "state ALARM > PAUSED: ACKNOWLEDGE",
        "command acknowledge",
        "state PAUSED > INFUSING: RESUME",
        "command resume",
        "state INFUSING > KVO: HAZARD",
        "state KVO > PAUSED: HOLD_DONE",
        "command hold",
        "state PAUSED > INFUSING: RESUME",
        "command resume",
        "refused confirm",
        "state INFUSING > KVO: PROGRAM_DONE",
        "state KVO > IDLE: KVO_DONE",
        "alarm INFUSION_COMPLETE",
        "cleared LIBRARY_MISSING",
        "command stop",
    ]
    assert found[0].startswith("boot 0.")
    missing = [line for line in expected if line not in found]
    assert not missing, found
    firsts = list(dict.fromkeys(expected))
    assert sorted(firsts, key=found.index) == firsts
    assert found.count("command resume") == 3


@pytest.mark.requirement("SR-LOG-04")
def test_the_hosts_clock_gives_the_records_their_time_to_10_ms(bench: Bench) -> None:
    """The clock is set; what a host asks for, and what a tick finds, is dated by it within a minute."""
    bench.run_for(2.034)
    bench.reconnect()
    utc_s, ms = 1_800_000_000, 250
    set_s = bench.now_s
    bench.pump.request("clock", utc_s=utc_s, ms=ms)
    acted_s = []
    for pause_s in (1.03, 7.31, 20.57):
        bench.run_for(pause_s)
        bench.reconnect()
        acted_s.append(bench.now_s)
        bench.pump.stop()
    clock, *rest = [event for event in bench.pump.events() if event["kind"] in ("clock", "command")]
    assert clock["text"] == f"utc_s {utc_s}.{ms:03}"
    stops = [event for event in rest if event["text"] == "stop"]
    assert len(stops) == 3
    for event, at_s in zip(stops, acted_s, strict=True):
        dated_s = utc_s + ms / 1000 + (event["time_ms"] - clock["time_ms"]) / 1000
        assert dated_s - (utc_s + ms / 1000 + at_s - set_s) == pytest.approx(0, abs=0.010)


@pytest.mark.requirement("SR-LOG-04")
@pytest.mark.parametrize("ahead_ms", [0, 37, -1200])
def test_the_drift_since_the_clock_was_set_is_logged_when_it_is_set_again(bench: Bench, ahead_ms: int) -> None:
    """The pump's clock against one that is behind by ahead_ms after half a minute."""
    utc_ms = 1_800_000_000_990
    pump, set_s = bench.pump, bench.now_s
    pump.request("clock", utc_s=utc_ms // 1000, ms=utc_ms % 1000)
    bench.run_for(30.5)
    bench.reconnect()
    pump = bench.pump  # its greeting takes time too
    utc_ms += round((bench.now_s - set_s) * 1000) - ahead_ms
    pump.request("clock", utc_s=utc_ms // 1000, ms=utc_ms % 1000)
    (_, clock) = [event for event in pump.events() if event["kind"] == "clock"]
    drift_ms, over_s = re.fullmatch(r"utc_s \d+\.\d{3}, ([+-]\d+) ms in (\d+) s", clock["text"]).groups()  # type: ignore[union-attr]
    assert int(drift_ms) == pytest.approx(ahead_ms, abs=10)
    assert int(over_s) == pytest.approx(30, abs=2)
