"""Every row of the alarm table, raised on a bench: what is heard and seen, told, recorded, and what the motor does.

The expected priority and effect stand here by hand, and not as the firmware has them.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from hil.bench import Bench, open_bench
from hil.boards import board_data
from hil.plugin import need_emulator
from pump.core.alarms import NAMES
from pump.core.selftest import TONE_HZ
from tests.core.entries import CONCENTRATION_NG_ML
from tests.hil.test_alarms import STOPPING, has
from tests.hil.test_dosing import STEP_NL, give, use
from tests.programs import SYRINGE, Oracle, flat, follow, header
from titrate.cli.status import status as show_status
from titrate.client import Pump
from titrate.errors import Refused

LOW, MEDIUM, HIGH = "low", "medium", "high"
LIGHTS = {LOW: 4, MEDIUM: 2, HIGH: 1}
FIRST_TONES = {LOW: [330, 262], MEDIUM: [523, 294, 392], HIGH: [523, 294, 392, 523, 294]}  # e c; C d g; C d g C d
SLOWEST_BURST_S = 17.0
BOARD = board_data()
HELD_ML_H = 0.5
SIGNAL_MS = 200  # from the tick that finds a condition to the pins: one control tick, and one of the time's own grain
RECORD = re.compile(
    r"([A-Z_]+) at (-?\d+) Pa, (\d+) steps, (\d+) mV, (-?\d+) dC(?:, ([^;]+))?; each second before((?: -?\d+)+) Pa"
)
SIGNAL = re.compile(r"([A-Z_ ]+) (\d+) ms after detection")
GRAIN_S = 0.010  # of what is known of device time, and what a loop takes between light and record
SIM_ONLY = pytest.mark.sim_only("minutes to an hour of device time; the same core decides")


class Measured(NamedTuple):
    """What the record of an alarm holds."""

    pa: int
    steps: int
    mv: int
    dc: int
    said: str  # the value that tripped it, where it is none of these

    @property
    def beside(self) -> list[int]:
        """The numbers of what is said."""
        return [int(number) for number in re.findall(r"\d+", self.said)]


class Case(NamedTuple):
    """bring: brings the alarm about, from a pump with a library and nothing else. priority, state: what must follow.
    within_s: after `bring`. tripped: what the record must show, where a reading decides."""

    bring: Callable[[Bench], object]
    priority: str
    state: str
    within_s: float = 2
    tripped: Callable[[Measured], bool] = lambda measured: True


def library(bench: Bench, **changed: Any) -> None:
    """An entry with room for every rate here, and a hold rate."""
    wide = dict.fromkeys(("rate_soft_high_nl_h", "rate_hard_high_nl_h"), 999_000_000)
    low = dict.fromkeys(("rate_soft_low_nl_h", "rate_hard_low_nl_h"), 1_000_000)
    held = {"kvo_nl_h": round(HELD_ML_H * 1e6), "kvo_ms": 3_600_000, "near_empty_action": "keep"}
    bench.pump.configure(near_empty_level=0)
    use(bench, profile="large-volume", **wide, **low, **(held | changed))


def infusing(bench: Bench, ml_h: float = 25, settle_s: float = 3, **changed: Any) -> None:
    library(bench)
    give(bench, flat(ml_h, 3600 if ml_h < 100 else 400), **changed)
    bench.run_for(settle_s)
    bench.reconnect()


def after_infusing(act: Callable[[Bench], object], ml_h: float = 25, settle_s: float = 3) -> Callable[[Bench], object]:
    def bring(bench: Bench) -> None:
        infusing(bench, ml_h, settle_s)
        act(bench)

    return bring


def stopping(name: str) -> Callable[[Bench], object]:
    """As tests/hil/test_alarms.py brings it about, at a rate at which a fall of pressure is seen."""
    return after_infusing(STOPPING[name].cause, STOPPING[name].ml_h, 15)


def boot_again(bench: Bench) -> None:
    bench.run_for(1)
    bench.restore_power()
    bench.run_for(3)
    bench.reconnect()


def lose_power(bench: Bench) -> None:
    bench.cut_power()
    boot_again(bench)


def hang(bench: Bench) -> None:
    bench.hang()
    bench.run_for(4)
    bench.reconnect()


def with_a_key_held_at_power_on(bench: Bench) -> None:
    bench.run_for(2)
    bench.hold_key("bolus")
    lose_power(bench)


def compared_with(factor: float) -> Callable[[Bench], object]:
    """The rate that the flow is compared with is another than that of the law: a fault of the memory, no bench has a
    hand for it. More or fewer pulses than were asked for are MOTOR_FAULT."""

    def act(bench: Bench) -> None:
        infusion = bench.target.app.controller.infusion  # type: ignore[attr-defined]
        infusion.rate_pl_h = lambda at: round(25e9 * factor)

    return act


def nearly_empty(left_nl: int, ml_h: float, **changed: Any) -> Callable[[Bench], object]:
    def bring(bench: Bench) -> None:
        library(bench, **changed)
        give(bench, flat(ml_h, 600))
        bench.pump.pause()
        bench.pump.syringe(SYRINGE, left_nl)
        bench.pump.resume()

    return bring


def again_and_again(bench: Bench) -> None:
    for _ in range(3):
        bench.add_air()
        bench.run_for(1)
        bench.clear_air()
        bench.run_for(1)
        bench.reconnect()
        bench.pump.acknowledge()
        try:
            bench.pump.resume()
        except Refused:
            return
        bench.run_for(1)


def silent_host(bench: Bench) -> None:
    infusing(bench, attended=1)
    bench.run_for(16)


def beyond_the_dose(bench: Bench) -> None:
    """An hour's limit that has room for one program, and not for the bolus beside it."""
    library(bench, dose_1h_soft_ng_kg=20_000, dose_1h_hard_ng_kg=20_000)
    give(bench, flat(24.5, 200))
    bench.run_for(3)
    with pytest.raises(Refused, match="no room"):
        bench.pump.bolus(1_200_000, 60_000)


def primed_in_vain(bench: Bench) -> None:
    bench.pump.syringe(SYRINGE, 50_000_000)
    bench.pump.prime()


def refilled_in_vain(bench: Bench) -> None:
    bench.pump.syringe(SYRINGE, 1_000_000)
    bench.pump.refill(10_000_000)
    bench.run_for(1)
    bench.reconnect()
    bench.occlude()


def staged(bench: Bench) -> None:
    library(bench)
    give(bench, flat(25, 600))
    bench.pump.stop()
    phases = flat(25, 600)
    bench.pump.load(header(phases, concentration_ng_ml=CONCENTRATION_NG_ML, code="test"), phases)
    bench.run_for(599)
    bench.reconnect()


def without_a_library(bench: Bench) -> None:
    give(bench, flat(25, 3600), code="")


def full_flash(bench: Bench) -> None:
    bench.fill_flash()
    bench.run_for(65)
    bench.reconnect()


def paused(bench: Bench) -> None:
    bench.pump.pause()
    bench.run_for(598)
    bench.reconnect()


def held_key(bench: Bench) -> None:
    bench.hold_key("mute")
    bench.run_for(61)
    bench.reconnect()


def about(left_nl: int) -> Callable[[Measured], bool]:
    """Within a second of its flow at 25 mL/h, and a step."""
    return lambda measured: abs(measured.beside[0] - left_nl) < 10_000


CASES = {
    "MOTOR_FAULT": Case(after_infusing(lambda bench: bench.add_pulses(20)), HIGH, "FAULT"),
    "OVER_DELIVERY": Case(
        after_infusing(compared_with(0.5)), HIGH, "ALARM", 400, lambda measured: measured.beside[1] == 12_500_000
    ),
    "GUARD_OPEN": Case(after_infusing(Bench.open_guard), HIGH, "ALARM"),
    "OCCLUSION": Case(stopping("OCCLUSION"), MEDIUM, "ALARM", 30, lambda measured: measured.pa > 10_000),
    "LINE_DISCONNECTED": Case(stopping("LINE_DISCONNECTED"), MEDIUM, "ALARM", 5, lambda measured: measured.pa < 3000),
    "AIR_IN_LINE": Case(
        stopping("AIR_IN_LINE"), MEDIUM, "ALARM", 3, lambda measured: BOARD.AIR_SINGLE_NL <= measured.beside[0] < 60_000
    ),
    "SYRINGE_EMPTY": Case(nearly_empty(60_000, 25), MEDIUM, "ALARM", 15, lambda measured: measured.beside == [0]),
    "SYRINGE_MISSING": Case(stopping("SYRINGE_MISSING"), MEDIUM, "ALARM"),
    "SENSOR_FAULT": Case(
        after_infusing(STOPPING["SENSOR_FAULT"].cause), MEDIUM, "ALARM", 3, lambda measured: measured.pa < -20_000
    ),
    "OVERHEATED": Case(stopping("OVERHEATED"), MEDIUM, "ALARM", 25, lambda measured: measured.dc > BOARD.OVERHEATED_DC),
    "REPEATED_ALARM": Case(after_infusing(again_and_again, 400), MEDIUM, "ALARM"),
    "LINK_LOST": Case(silent_host, MEDIUM, "INFUSING"),
    "BATTERY_DEPLETED": Case(
        stopping("BATTERY_DEPLETED"), LOW, "ALARM", 25, lambda measured: measured.mv < BOARD.BATTERY_DEPLETED_MV
    ),
    "SUPPLY_HIGH": Case(stopping("SUPPLY_HIGH"), LOW, "ALARM", 25, lambda measured: measured.mv > BOARD.SUPPLY_HIGH_MV),
    "SELF_TEST_FAILED": Case(with_a_key_held_at_power_on, LOW, "FAULT"),
    "MEMORY_FAULT": Case(after_infusing(full_flash), LOW, "ALARM", 5),
    "WATCHDOG_RESET": Case(after_infusing(hang), LOW, "ALARM"),
    "POWER_INTERRUPTED": Case(after_infusing(lose_power), LOW, "ALARM"),
    "FILLING_FAILED": Case(primed_in_vain, LOW, "ALARM", 125),
    "UPSTREAM_OCCLUSION": Case(refilled_in_vain, MEDIUM, "ALARM", 5, lambda measured: measured.pa < -5000),
    "DOSE_LIMIT": Case(beyond_the_dose, LOW, "KVO", 5, lambda measured: 0 < measured.beside[0] == measured.beside[2]),
    "RESERVOIR_LOW": Case(
        nearly_empty(1_300_000, 25, near_empty_nl=1_250_000, near_empty_action="hold"), LOW, "KVO", 12, about(1_250_000)
    ),
    "UNDER_DELIVERY": Case(
        after_infusing(compared_with(2)), LOW, "INFUSING", 400, lambda measured: measured.beside[1] == 50_000_000
    ),
    "BATTERY_LOW": Case(
        after_infusing(lambda bench: bench.set_supply(10.5)),
        LOW,
        "INFUSING",
        25,
        lambda measured: BOARD.BATTERY_DEPLETED_MV < measured.mv < BOARD.BATTERY_LOW_MV,
    ),
    "NEAR_EMPTY": Case(nearly_empty(1_300_000, 25, near_empty_action="keep"), LOW, "INFUSING", 12, about(1_250_000)),
    "STUCK_KEY": Case(after_infusing(held_key), LOW, "INFUSING"),
    "PAUSED_TOO_LONG": Case(after_infusing(paused), LOW, "PAUSED", 5),
    "IDLE_TOO_LONG": Case(staged, LOW, "IDLE", 5),
    "LIBRARY_MISSING": Case(without_a_library, LOW, "INFUSING"),
    "INFUSION_COMPLETE": Case(lambda bench: (library(bench), give(bench, flat(25, 10))), LOW, "KVO", 12),
}
ON_THE_CHIP = (  # those that come soon: each priority, each effect, and what only a chip can do
    "MOTOR_FAULT",
    "GUARD_OPEN",
    "SYRINGE_MISSING",
    "LINK_LOST",
    "SELF_TEST_FAILED",
    "WATCHDOG_RESET",
    "POWER_INTERRUPTED",
    "LIBRARY_MISSING",
    "INFUSION_COMPLETE",
)
BESIDE = {
    "GUARD_OPEN": {"OVER_DELIVERY"},
    "BATTERY_DEPLETED": {"BATTERY_LOW"},
    "SYRINGE_EMPTY": {"NEAR_EMPTY"},
    "RESERVOIR_LOW": {"NEAR_EMPTY"},
    "UPSTREAM_OCCLUSION": {"FILLING_FAILED"},
}


def records(bench: Bench, name: str) -> list[tuple[dict[str, Any], Measured]]:
    """(entry, what was measured) of each alarm record of that name."""
    found = []
    for event in bench.pump.events():
        match = RECORD.fullmatch(event["text"]) if event["kind"] == "alarm" else None
        if match and match[1] == name:
            found.append((event, Measured(*map(int, match.groups()[1:5]), match[6] or "")))
    return found


def pitches(bench: Bench, since_s: float) -> list[int]:
    """Those that lasted: at the pin a period that begins or ends with its tone reads as another pitch for a moment."""
    edges = [(at_us / 1e6, hz) for at_us, hz in bench.tone_edges if at_us / 1e6 >= since_s]
    edges.append((bench.now_s, 0))
    return [hz for (at, hz), (after, _) in pairwise(edges) if hz and after - at > 0.05]


@pytest.mark.requirement("SR-ALARM-04")
def test_every_row_of_the_table_has_its_way_to_be_brought_about() -> None:
    assert set(CASES) == set(NAMES)


@pytest.fixture
def emulated() -> Iterator[Bench]:
    need_emulator()
    with open_bench("emu://", seed=1) as bench:
        yield bench


OF_EACH = [
    pytest.mark.requirement("SR-ALARM-01"),
    pytest.mark.requirement("SR-ALARM-02"),
    pytest.mark.requirement("SR-ALARM-04"),
    pytest.mark.requirement("SR-ALARM-05"),
    pytest.mark.requirement("SR-ALARM-08"),
    pytest.mark.requirement("SR-ALARM-11"),
]


def expected(name: str) -> pytest.MarkDecorator:
    return pytest.mark.expects(name, *BESIDE.get(name, ()))


@SIM_ONLY
@pytest.mark.parametrize("name", [pytest.param(name, marks=[*OF_EACH, expected(name)]) for name in CASES])
def test_each_alarm_is_told_recorded_seen_and_heard_and_the_motor_does_as_it_must(
    bench: Bench, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_alarm(bench, name, capsys, monkeypatch)


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=OF_EACH) for name in ON_THE_CHIP])
def test_on_the_chip_too(
    emulated: Bench, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_alarm(emulated, name, capsys, monkeypatch)


def check_alarm(bench: Bench, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    case.bring(bench)
    brought_s = bench.now_s
    status = follow(bench, has(name)) if name not in bench.pump.status()["alarms"] else bench.pump.status()
    assert bench.now_s - brought_s < case.within_s + 1.1
    # The message: in the status, with a text for a person.
    assert set(status["alarms"]) - BESIDE.get(name, set()) == {name}
    monkeypatch.setattr(Pump, "open", lambda url: bench.pump)
    monkeypatch.setattr(Pump, "close", lambda pump: None)
    show_status("sim://")
    assert re.search(rf"^{name}: .+[:.] .+\.$", capsys.readouterr().out, re.MULTILINE)
    # The record: with what was measured.
    ((event, measured),) = records(bench, name)[-1:]
    assert case.tripped(measured)
    assert measured.steps <= len(bench.step_times_us)
    # The motor.
    assert bench.pump.status()["state"] == case.state
    check_motor(bench, name, case.state)
    # Light and sound, from the tick that found it on.
    bench.reconnect()
    pump, asked_s = bench.pump, bench.now_s
    offset_ms = -pump.heartbeat() + (asked_s + bench.now_s) * 500  # it was heard somewhere between
    found_s = (event["time_ms"] + offset_ms) / 1000
    signalled_s = found_s + check_signal(bench, name, event) / 1000
    begin_us, end_us = (found_s - SIGNAL_MS / 1000) * 1e6, (signalled_s + GRAIN_S) * 1e6
    before = [lights for at_us, lights in bench.light_edges if at_us < begin_us]
    within = [lights for at_us, lights in bench.light_edges if begin_us <= at_us <= end_us]
    assert LIGHTS[case.priority] in before[-1:] + within, "lit when the record says so"
    bench.run_for(SLOWEST_BURST_S)
    heard = pitches(bench, found_s - SIGNAL_MS / 1000)
    if event["time_ms"] == 0 and heard[0] // 10 == TONE_HZ // 10:  # at power-on the self-test sounds just before
        del heard[0]
    expected = FIRST_TONES[case.priority]
    assert heard[: len(expected)] == pytest.approx(expected, rel=0.02), "a third of a semitone"
    assert {lights for at_us, lights in bench.light_edges if at_us / 1e6 > found_s + 1} <= {0, LIGHTS[case.priority]}


def check_signal(bench: Bench, name: str, alarm: dict[str, Any]) -> int:
    """The record of when the alarm could be seen and heard: in ms behind that of its detection."""
    signals = [event for event in bench.pump.events(alarm["sequence"]) if event["kind"] == "signal"]
    (names, delay_ms), *_ = [SIGNAL.fullmatch(event["text"]).groups() for event in signals]  # type: ignore[union-attr]
    assert name in names.split()
    assert 0 <= int(delay_ms) <= SIGNAL_MS
    assert int(delay_ms) == signals[0]["time_ms"] - alarm["time_ms"]
    return int(delay_ms)


def check_motor(bench: Bench, name: str, state: str) -> None:
    """What the pulses say of the next half minute."""
    if state == "INFUSING":
        began_us, oracle = bench.enabled_us[-1], Oracle(flat(25, 3600))
        before = len([at_us for at_us in bench.step_times_us if at_us < began_us])
        bench.run_for(20)
        due = oracle.steps(int(bench.now_s * 1000 - began_us / 1000))
        if name != "NEAR_EMPTY":  # it was paused for its syringe
            assert abs(len(bench.step_times_us) - before - due) <= 1, "another rate than before"
        else:
            assert len(bench.step_times_us) > before + 300
    elif state == "KVO":
        steps = bench.steps
        bench.run_for(60)
        assert (bench.steps - steps) * STEP_NL == pytest.approx(HELD_ML_H / 60 * 1e6, abs=2 * STEP_NL)
    else:
        forward_us = bench.target.mechanics.last_forward_us
        bench.run_for(20)
        steps = bench.steps
        bench.run_for(5)
        assert bench.target.mechanics.last_forward_us == forward_us, "a step forward"
        assert bench.steps == steps


# --- several at once


class Cause(NamedTuple):
    act: Callable[[Bench], object]
    wait_s: float
    priority: str
    effect: int  # 0: off for good, 1: off, 2: hold rate, 3: unchanged


def ask_for_too_much(bench: Bench) -> None:
    bench.reconnect()
    with pytest.raises(Refused, match="no room"):
        bench.pump.bolus(20_000_000, 3_000_000)


CAUSES = {
    "BATTERY_LOW": Cause(lambda bench: bench.set_supply(10.5), 25, LOW, 3),
    "LINK_LOST": Cause(lambda bench: bench.run_for(17), 0, MEDIUM, 3),
    "DOSE_LIMIT": Cause(ask_for_too_much, 0, LOW, 2),
    "SYRINGE_MISSING": Cause(Bench.remove_syringe, 1, MEDIUM, 1),
    "BATTERY_DEPLETED": Cause(lambda bench: bench.set_supply(8), 25, LOW, 1),
    "MOTOR_FAULT": Cause(lambda bench: bench.add_pulses(20), 1, HIGH, 0),
}
STATES = ("FAULT", "ALARM", "KVO", "INFUSING")
IMPOSSIBLE = {  # a bolus is asked for, and a missing syringe looked for, only while the motor runs
    (first, second)
    for first in CAUSES
    for second in ("DOSE_LIMIT", "SYRINGE_MISSING")
    if CAUSES[first].effect < 2 or (second == "DOSE_LIMIT" and first == "LINK_LOST")
} | {
    ("BATTERY_DEPLETED", "BATTERY_LOW"),  # the one brings the other
    ("BATTERY_LOW", "BATTERY_DEPLETED"),
    ("MOTOR_FAULT", "LINK_LOST"),  # a program that is over is attended by nobody
}
PAIRS = [(a, b) for a in CAUSES for b in CAUSES if a != b and (a, b) not in IMPOSSIBLE]


@SIM_ONLY
@pytest.mark.requirement("SR-ALARM-06")
@pytest.mark.requirement("SR-ALARM-07")
@pytest.mark.parametrize(
    ("first", "second"), [pytest.param(*pair, marks=pytest.mark.expects(*pair), id="-".join(pair)) for pair in PAIRS]
)
def test_of_two_alarms_the_lower_rate_and_the_higher_priority_win(bench: Bench, first: str, second: str) -> None:
    limit = 200_000  # ng/kg: an hour at 14 mL/h, and no bolus of 20 mL beside it
    library(bench, dose_1h_soft_ng_kg=limit, dose_1h_hard_ng_kg=limit)
    give(bench, flat(13, 3600), attended=1)
    bench.run_for(3)
    for name in (first, second):
        CAUSES[name].act(bench)
        for _ in range(round(CAUSES[name].wait_s / 5)):
            bench.run_for(5)
            bench.reconnect()
            bench.pump.heartbeat()
        bench.run_for(1)
        bench.reconnect()
        assert name in bench.pump.status()["alarms"]
    both = (CAUSES[first], CAUSES[second])
    status = bench.pump.status()
    assert status["state"] == STATES[min(cause.effect for cause in both)]
    highest = max((cause.priority for cause in both), key=[LOW, MEDIUM, HIGH].index)
    since_us = bench.target.now_us
    bench.run_for(4)
    shown = {lights for at_us, lights in bench.light_edges if at_us > since_us} | {bench.lights}
    assert shown - {0} == {LIGHTS[highest]}
    bench.reconnect()
    order = [event["text"].split()[0] for event in bench.pump.events() if event["kind"] == "alarm"]
    assert [name for name in order if name in (first, second)] == [first, second]


@pytest.mark.requirement("SR-ALARM-07")
@pytest.mark.requirement("SR-LINK-02")
def test_alarms_come_in_order_without_a_gap_and_what_the_link_missed_follows(bench: Bench) -> None:
    """As they arose: in what the pump tells by itself, and in the log; two of them while the link was down."""
    infusing(bench)
    told = bench.pump.event_log
    bench.remove_syringe()
    follow(bench, has("SYRINGE_MISSING"))
    bench.run_for(1)
    bench.pump.status()
    live = [event["sequence"] for event in told]
    assert live == list(range(live[0], live[0] + len(live)))
    bench.unplug_link()
    bench.break_pressure_sensor("open")
    bench.run_for(3)
    bench.add_pulses(20)
    bench.run_for(3)
    bench.plug_link()
    bench.reconnect()
    assert bench.pump.status()["state"] == "FAULT"
    missed = bench.pump.events(after=live[-1])
    every = bench.pump.events()
    assert [event["sequence"] for event in every] == list(range(every[0]["sequence"], every[-1]["sequence"] + 1))
    assert every[-len(missed) :] == missed
    names = [event["text"].split()[0] for event in missed if event["kind"] == "alarm"]
    assert names == ["SENSOR_FAULT", "MOTOR_FAULT"]
    names = [event["text"].split()[0] for event in every if event["kind"] == "alarm"]
    assert names == ["SYRINGE_MISSING", "SENSOR_FAULT", "MOTOR_FAULT"]
    times = [event["time_ms"] for event in every]
    assert times == sorted(times)
