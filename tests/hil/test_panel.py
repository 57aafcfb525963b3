"""The pump's own keys, buzzer and lights, as a person finds them; on the emulated chip measured at the pins."""

from itertools import pairwise

import pytest

from hil.bench import Bench
from pump.core.signals import MOST_MUTE_MS
from tests.hil.test_dosing import give, use
from tests.programs import SYRINGE, flat, follow, header, start, state
from titrate.errors import Refused

RED, YELLOW, CYAN = 1, 2, 4
BOOT_S = 3.0  # the self-test sounds the buzzer and the lights before


def confirmed(bench: Bench, seconds: float = 600, **changed: int) -> None:
    """A program that waits for its start."""
    phases = flat(25, seconds)
    bench.pump.syringe(SYRINGE, 50_000_000)
    bench.pump.confirm(bench.pump.load(header(phases, **changed), phases))


@pytest.mark.requirement("SR-STOP-02")
@pytest.mark.requirement("SR-UI-14")
def test_one_short_press_of_stop_ends_stepping(bench: Bench) -> None:
    start(bench, flat(25, 600))
    bench.run_for(5)
    bench.press("stop", 0.2)
    bench.run_for(0.3)
    steps = bench.steps
    bench.run_for(2)
    assert bench.steps == steps
    assert state(bench) == "IDLE"
    assert any(event["text"] == "stop (key)" for event in bench.pump.events())


@pytest.mark.requirement("SR-UI-05")
@pytest.mark.requirement("SR-UI-07")
def test_starting_takes_two_different_keys_one_after_the_other(bench: Bench) -> None:
    confirmed(bench)
    bench.press("start", 1.3)
    bench.run_for(4)
    assert state(bench) == "READY", "one key"
    bench.press("start", 1.3)
    bench.run_for(2)
    bench.press("mute", 1.3)
    bench.run_for(2)
    assert state(bench) == "INFUSING"


@pytest.mark.requirement("SR-UI-16")
def test_two_keys_pause_resume_and_ask_for_the_hold_rate(bench: Bench) -> None:
    """Each by the keys what `pause`, `resume` and `hold` are on the link; between them the steps say so."""
    use(bench, kvo_nl_h=900_000)
    give(bench, flat(25, 600))
    bench.unplug_link()

    def steps_after(first: str, second: str) -> int:
        for key in (first, second):
            bench.press(key, 1.3)
            bench.run_for(2)
        before = bench.steps
        bench.run_for(10)
        return bench.steps - before

    running = steps_after("mute", "mute")
    assert steps_after("start", "mute") == 0, "paused"
    assert steps_after("start", "mute") == pytest.approx(running, abs=1), "resumed"
    assert 0 < steps_after("start", "bolus") < running / 10, "the hold rate"
    assert steps_after("start", "mute") == pytest.approx(running, abs=1), "resumed"
    bench.plug_link()
    bench.reconnect()
    said = [event["text"] for event in bench.pump.events() if event["kind"] == "command"]
    assert [text for text in said if "(key)" in text and "mute" not in text] == [
        "pause (key)",
        "resume (key)",
        "hold (key)",
        "resume (key)",
    ]


@pytest.mark.requirement("SR-UI-14")
def test_a_brush_against_start_and_mute_is_nothing(bench: Bench) -> None:
    confirmed(bench)
    for key in ("start", "mute", "bolus"):
        bench.press(key, 0.5)
        bench.run_for(1.5)
    assert state(bench) == "READY"


@pytest.mark.requirement("SR-BOLUS-01")
@pytest.mark.requirement("SR-AUDIO-08")
def test_the_bolus_key_gives_what_the_program_names(bench: Bench) -> None:
    confirmed(bench, bolus_nl=100_000, bolus_ms=10_000, bolus_lockout_ms=60_000)
    bench.pump.start()
    bench.run_for(2)
    bench.press("bolus", 1.3)
    bench.run_for(2)
    assert state(bench) == "BOLUS"
    bench.run_for(15)
    assert state(bench) == "INFUSING"
    before = len(bench.tone_edges)
    bench.press("bolus", 1.3)
    bench.run_for(3)
    assert state(bench) == "INFUSING", "locked out"
    assert len(bench.tone_edges) > before, "and it says so"
    assert any(event["kind"] == "refused" and "bolus (key)" in event["text"] for event in bench.pump.events())


@pytest.mark.requirement("SR-UI-13")
def test_a_stuck_key_is_an_alarm_until_it_is_let_go(bench: Bench) -> None:
    start(bench, flat(25, 600))
    bench.hold_key("mute")
    bench.run_for(62)
    bench.reconnect()
    assert "STUCK_KEY" in bench.pump.status()["alarms"]
    bench.release_key("mute")
    bench.run_for(3)
    bench.reconnect()
    assert "STUCK_KEY" not in bench.pump.status()["alarms"]


def alarm(bench: Bench) -> float:
    """A medium alarm; when it came."""
    start(bench, flat(25, 600))
    bench.run_for(2)
    bench.remove_syringe()
    bench.run_for(1)
    bench.reconnect()
    assert bench.pump.status()["state"] == "ALARM"
    return bench.now_s


@pytest.mark.requirement("SR-ALARM-01")
@pytest.mark.requirement("SR-AUDIO-01")
@pytest.mark.requirement("SR-AUDIO-03")
@pytest.mark.requirement("SR-VIS-02")
def test_a_medium_alarm_sounds_and_flashes_as_the_standard_asks(bench: Bench) -> None:
    """Three pulses of 125-250 ms, as far apart; 2.5-30 s between bursts; yellow at 0.4-0.8 Hz, 20-60 % of the time."""
    since_s = alarm(bench)
    bench.run_for(16)
    heard = [(at_us / 1e6, hz) for at_us, hz in bench.tone_edges if at_us / 1e6 > since_s - 1]
    # At the pin a period that begins or ends with its tone reads as another pitch for some milliseconds.
    tones = [(at, hz) for (at, hz), (after, _) in pairwise([*heard, (1e9, 0)]) if after - at > 0.01]
    pulses = [(at, after - at) for (at, hz), (after, _) in pairwise(tones) if hz]
    assert len(pulses) >= 6
    first = [at for at, _ in pulses]
    gaps = [later - at - length for (at, length), later in zip(pulses, first[1:], strict=False)]
    for _, length in pulses:
        assert 0.125 <= length <= 0.25
    for gap in gaps:
        assert 0.125 <= gap <= 0.25 or 2.5 <= gap <= 30
    burst = [hz for _, hz in tones if hz][:3]
    assert burst[0] > burst[2] > burst[1], "C d g"
    lights = [(at_us / 1e6, shown) for at_us, shown in bench.light_edges if at_us / 1e6 > since_s]
    on = [at for at, shown in lights if shown & YELLOW]
    periods = [after - at for at, after in pairwise(on)]
    assert periods
    for period in periods:
        assert 0.4 <= 1 / period <= 0.8
    spans = [after - at for (at, shown), (after, _) in pairwise(lights) if shown & YELLOW]
    for span in spans:
        assert 0.2 <= span / periods[0] <= 0.6


@pytest.mark.requirement("SR-AUDIO-05")
@pytest.mark.requirement("SR-AUDIO-06")
@pytest.mark.requirement("SR-LINK-07")
@pytest.mark.requirement("SR-VIS-05")
def test_a_sound_pause_ends_by_itself_and_none_is_without_end(bench: Bench) -> None:
    alarm(bench)
    with pytest.raises(Refused):
        bench.pump.mute(MOST_MUTE_MS / 1000 + 0.001)
    bench.pump.mute(20)
    began_s = bench.now_s
    assert bench.pump.status()["muted_ms"] > 19_000
    bench.run_for(10)
    quiet = [edge for edge in bench.tone_edges if edge[0] / 1e6 > began_s + 0.3 and edge[1]]
    assert not quiet
    assert bench.light_edges[-1][1] & CYAN, "the pause shows beside the light of the alarm"
    bench.run_for(20)
    assert [edge for edge in bench.tone_edges if edge[0] / 1e6 > began_s + 19 and edge[1]]


@pytest.mark.requirement("SR-AUDIO-05")
def test_a_new_alarm_ends_the_pause(bench: Bench) -> None:
    alarm(bench)
    bench.pump.mute(100)
    bench.run_for(2)
    bench.break_pressure_sensor("open")
    bench.run_for(3)
    bench.reconnect()
    status = bench.pump.status()
    assert "SENSOR_FAULT" in status["alarms"]
    assert status["muted_ms"] == 0


@pytest.mark.requirement("SR-AUDIO-07")
def test_stop_silences_what_is_in_force_and_the_next_alarm_sounds(bench: Bench) -> None:
    alarm(bench)
    bench.press("stop", 0.2)
    bench.run_for(0.5)
    since_s = bench.now_s
    bench.run_for(12)
    assert not [edge for edge in bench.tone_edges if edge[0] / 1e6 > since_s and edge[1]]
    bench.break_pressure_sensor("open")
    bench.run_for(3)
    assert [edge for edge in bench.tone_edges if edge[0] / 1e6 > since_s + 12 and edge[1]]


@pytest.mark.requirement("SR-LINK-07")
def test_losing_the_link_ends_a_pause_that_came_over_it(bench: Bench) -> None:
    alarm(bench)
    bench.pump.mute(100)
    bench.run_for(20)
    bench.reconnect()
    assert bench.pump.status()["muted_ms"] == 0


@pytest.mark.requirement("SR-VIS-02")
@pytest.mark.requirement("SR-ALARM-06")
def test_the_light_shows_the_highest_priority(bench: Bench) -> None:
    start(bench, flat(25, 5))
    follow(bench, lambda status: status["state"] == "IDLE")
    bench.run_for(3)
    assert bench.light_edges[-1][1] == CYAN, "a low one shines steadily"
