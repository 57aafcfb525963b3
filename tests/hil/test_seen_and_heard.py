"""What a person sees and hears of alarms: the lamp from 4 m, the display from 1 m, how loud it is.

On a real bench a person is asked. On a simulated one the pins and dots are looked at, and nothing is heard: it makes no
sound, so that how loud an alarm is gets measured on a real bench alone.
"""

from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path

import pytest

from hil.bench import Bench
from hil.instruments.observer import Observer, Title
from hil.notes import Notes
from hil.plugin import check, is_real
from pump.core.signals import HIGH, LOW, MEDIUM, MOST_MUTE_MS, NONE
from pump.core.wire import SETTINGS
from tests.breadboard import breadboard
from tests.hil.test_dosing import give, use
from tests.programs import flat, start

LAMP_OF = {NONE: set(), LOW: {"cyan"}, MEDIUM: {"yellow"}, HIGH: {"red"}}
SLOW = flat(5, 3600)  # long enough for a person who takes their time, and little for the vessel
SETTLES_S = 2.5  # until the display shows what has changed
SILENT_S = 17.0  # of a host: long enough to be missed
LEAST_DB, MOST_DB = 20, 100  # SR-AUDIO-02
ABOVE_ROOM_DB = 6  # then the room has added 1.3 dB at most, and what was measured is the buzzer
LATE_S = 0.2  # a tick, and the silence before a burst


def stages(bench: Bench) -> Iterator[tuple[int, set[str]]]:
    """The highest priority in force and the alarms that have it, as it rises and falls; each for as long as one looks.

    So the host of the medium one stays silent, and what is acknowledged is so by the pump's own keys.
    """
    start(bench, SLOW)
    bench.run_for(SETTLES_S)
    yield LOW, {"LIBRARY_MISSING"}
    bench.reconnect()
    bench.pump.stop()
    start(bench, SLOW, attended=True)
    bench.run_for(SILENT_S + SETTLES_S)
    yield MEDIUM, {"LINK_LOST"}
    bench.open_guard()
    bench.run_for(SETTLES_S)
    yield HIGH, {"GUARD_OPEN", "OVER_DELIVERY"}
    bench.close_guard()
    bench.run_for(1)
    bench.hold_in_turn(("start", "mute"))
    bench.run_for(SETTLES_S)
    yield MEDIUM, {"LINK_LOST"}
    bench.reconnect()
    bench.pump.stop()
    bench.run_for(2)  # the host is there again, which the pump looks for once a second
    bench.pump.acknowledge()
    bench.run_for(SETTLES_S)
    yield NONE, set()


@pytest.mark.requirement("SR-VIS-01")
@pytest.mark.requirement("SR-ALARM-06")
@pytest.mark.needs("observer", "guard")
@pytest.mark.expects("LINK_LOST")
def test_the_lamp_shows_the_highest_of_the_priorities_in_force(bench: Bench, observer: Observer) -> None:
    for priority, _ in stages(bench):
        assert observer.lamps() == LAMP_OF[priority]


@pytest.fixture
def with_display(request: pytest.FixtureRequest, bench_url: str, tmp_path: Path) -> Iterator[Bench]:
    """A real bench has the display that it has; of the simulated boards the breadboard has one."""
    if is_real(request.config):
        yield request.getfixturevalue("bench")
        return
    with breadboard(bench_url, tmp_path) as bench:
        yield bench
        check(request, bench)


@pytest.mark.requirement("SR-VIS-03")
@pytest.mark.needs("observer", "guard")
@pytest.mark.expects("LINK_LOST")
def test_the_display_names_the_alarm_and_its_priority(with_display: Bench) -> None:
    observer = with_display.observer
    for priority, alarms in stages(with_display):
        assert observer.title() in ({Title(priority, name) for name in alarms} or {None})


@pytest.mark.requirement("SR-AUDIO-02")
@pytest.mark.bench_only("a simulated one makes no sound")
@pytest.mark.needs("sound_meter", "guard")
@pytest.mark.expects("LINK_LOST")
def test_every_alarm_is_neither_too_quiet_nor_too_loud(bench: Bench, notes: Notes) -> None:
    """And is louder than the room, which is measured last: a dead buzzer would have the level of the room."""
    meter = bench.sound_meter
    notes.instrument(meter)
    words = {LOW: "the low alarm", MEDIUM: "the medium alarm", HIGH: "the high alarm", NONE: "the room, no alarm"}
    found_db: dict[int, float] = {}
    for priority, _ in stages(bench):
        if priority not in found_db:
            found_db[priority] = meter.level_db(words[priority])
    room_db = found_db.pop(NONE)
    for priority, db in found_db.items():
        notes.check(f"{words[priority]}: sound level at 1 m", db, "dB", LEAST_DB, MOST_DB)
        notes.check(f"{words[priority]}: above the room", db - room_db, "dB", ABOVE_ROOM_DB)


def silences_s(bench: Bench, since_s: float) -> list[float]:
    """How long each of them was, the one that is on included."""
    edges = [(at_us / 1e6, hz) for at_us, hz in bench.tone_edges if at_us / 1e6 >= since_s]
    return [after - at for (at, hz), (after, _) in pairwise([(since_s, 0), *edges, (bench.now_s, 0)]) if not hz]


@pytest.mark.requirement("SR-AUDIO-02")
@pytest.mark.sim_only("four minutes for each of sixteen sets of settings, and the core alone decides")
@pytest.mark.parametrize("values", list(product(*(row[:2] for row in SETTINGS.values()))), ids=str)
def test_whatever_is_set_a_high_alarm_sounds_and_each_pause_of_it_ends(bench: Bench, values: tuple[int, ...]) -> None:
    """A pause by the host, who stays, and one by the key MUTE. STOP is left out: it is to silence (SR-AUDIO-07)."""
    bench.pump.configure(**dict(zip(SETTINGS, values, strict=True)))
    use(bench)
    give(bench, flat(25, 3600))
    bench.run_for(2)
    began_s = bench.now_s
    bench.open_guard()
    bench.run_for(20)
    assert max(silences_s(bench, began_s)) < 6, "between two bursts"

    began_s = bench.now_s
    bench.reconnect()
    bench.pump.mute(MOST_MUTE_MS / 1000)
    for _ in range(14):
        bench.run_for(10)
        bench.pump.heartbeat()
    assert 110 < max(silences_s(bench, began_s)) <= MOST_MUTE_MS / 1000 + LATE_S

    bench.press("mute", 1.3)
    bench.run_for(1.3)
    began_s = bench.now_s
    bench.run_for(140)
    assert 110 < max(silences_s(bench, began_s)) <= MOST_MUTE_MS / 1000 + LATE_S
