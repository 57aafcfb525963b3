"""What a whole pump says of its drug library: none in use, one that was passed by, and since when there is which."""

from itertools import pairwise

import pytest

from pump.core import wire
from pump.core.library import Library
from pump.core.screen import figures
from pump.core.signals import CYAN
from tests.core.entries import entry
from tests.core.hosts import bring, reach, refusal, start_under, statuses, upload
from tests.core.pumps import Pump
from tests.programs import flat

MARK_S = 4
SOFT_NL_H = 20_000_000


def full(_name: str, _data: bytes) -> None:
    raise OSError("no room")


def shows_none(pump: Pump) -> bool:
    """On the display, where its figures are."""
    return any("NO LIBRARY" in row for row in figures(pump.controller))


@pytest.mark.requirement("SR-LIB-14")
@pytest.mark.parametrize("empty", [False, True])
def test_while_no_library_is_in_use_every_status_and_the_display_say_so(empty: bool) -> None:
    """An empty one is none. In a run there is an alarm too, for all of its time."""
    pump = Pump()
    if empty:
        upload(pump, Library())
    for state in ("IDLE", "READY", "INFUSING", "PAUSED"):
        reach(pump, state)
        since = len(statuses(pump))
        pump.run(5)
        assert shows_none(pump)
        told = statuses(pump)[since + 1 :]
        assert len(told) >= 4
        assert {status["library"] for status in told} == {""}
        in_run = state in ("INFUSING", "PAUSED")
        assert ["LIBRARY_MISSING" in status["alarms"] for status in told[2:]] == [in_run] * len(told[2:])
    pump.ask("stop")
    library = Library([entry()])
    upload(pump, library)
    pump.run(2)
    assert statuses(pump)[-1]["library"] == library.digest[:8]
    assert not shows_none(pump)
    start_under(pump, flat(25, 60))
    pump.run(5)
    assert statuses(pump)[-1]["alarms"] == []


@pytest.mark.requirement("SR-LIB-08")
def test_while_a_run_passes_a_soft_limit_every_status_and_the_lamp_repeat_it() -> None:
    pump = Pump()
    upload(pump, Library([entry(rate_soft_high_nl_h=SOFT_NL_H, kvo_nl_h=0)]))
    for rate_nl_h, overrides in ((SOFT_NL_H, []), (SOFT_NL_H + 1000, [("rate_soft_high_nl_h", SOFT_NL_H + 1000)])):
        start_under(pump, flat(rate_nl_h / 1e6, 40), overrides)
        since, since_us = len(statuses(pump)), pump.target.now_us
        pump.run(39)
        told = [status["overrides"] for status in statuses(pump)[since:]]
        assert told == [len(overrides)] * len(told)
        assert len(told) >= 38
        shone = [(at_us, lights) for at_us, lights in pump.target.light_edges if at_us > since_us]
        marks_s = [at_us / 1e6 for at_us, lights in shone if lights == CYAN]
        assert len(marks_s) == (10 if overrides else 0)
        assert all(later - sooner == pytest.approx(MARK_S, abs=0.2) for sooner, later in pairwise(marks_s))
        pump.run(10)
        assert statuses(pump)[-1]["overrides"] == 0, "its run is over"
        pump.ask("acknowledge")


@pytest.mark.requirement("SR-LIB-13")
def test_the_pump_keeps_which_library_came_in_force_when() -> None:
    pump = Pump()
    assert pump.ask("library_history") == {"lines": []}
    first, second = Library([entry()]), Library([entry(version=2), entry(code="other")])
    upload(pump, first, 1_790_000_000)
    upload(pump, second, 1_790_086_400)
    wanted = [f"1790000000 {first.digest[:16]} test/1", f"1790086400 {second.digest[:16]} other/1 test/2"]
    assert pump.ask("library_history") == {"lines": wanted}
    pump.ask("clear_confirm", token=pump.ask("clear", what="library")["token"])
    pump.restart()
    assert pump.ask("library_history") == {"lines": [*wanted, "0 none "]}


@pytest.mark.requirement("SR-LIB-10")
def test_a_library_on_its_way_in_goes_with_the_one_that_is_cleared_and_no_mixture_is_stored() -> None:
    pump = Pump()
    old, new = Library([entry()]), Library([entry(version=2)])
    for _ in range(2):  # whichever of the two places the old one has
        upload(pump, old)
        bring(pump, new)
        pump.ask("clear_confirm", token=pump.ask("clear", what="library")["token"])
        assert refusal(pump, "library_confirm", digest=new.digest) is not None
        upload(pump, new)
    pump.restart()
    assert pump.alarms == []
    assert pump.controller.dosing.library.digest == new.digest


@pytest.mark.requirement("SR-LIB-10")
def test_a_library_that_could_not_be_put_in_force_is_loaded_anew() -> None:
    pump = Pump()
    library = Library([entry()])
    bring(pump, library)
    store = pump.target.store
    whole, store.write = store.write, full
    assert refusal(pump, "library_confirm", digest=library.digest) == wire.STILL_TRUE
    store.write = whole
    pump.ask("acknowledge")
    assert refusal(pump, "library_confirm", digest=library.digest) is not None
    upload(pump, library)
    pump.restart()
    assert pump.alarms == []
    assert pump.controller.dosing.library.digest == library.digest
