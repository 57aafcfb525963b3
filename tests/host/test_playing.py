"""Playing through what goes wrong: a lost link, alarms, pauses, a power cut, and the rest of a plan afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from hil.bench import Bench, open_bench
from pump.core.memory import BOUND_S
from pump.core.syringes import step_volume_pl
from tests.host.attendants import SHORT, Helper, plug_in_later, short_plan
from titrate import LinkError, Protocol, ProtocolError, Refused
from titrate.library import read as read_library
from titrate.library_link import upload
from titrate.plan import Plan
from titrate.playing import GIVE_UP, GO_ON, STOP, BenchHands, Nobody, Player
from titrate.reading import parse
from titrate.record import Recorder
from titrate.resuming import rest
from titrate.session import Session

STEP_ML = step_volume_pl("bd-plastipak-50", 2000, 3200)[0] / step_volume_pl("bd-plastipak-50", 2000, 3200)[1] / 1e9


@pytest.fixture
def bench() -> Iterator[Bench]:
    with open_bench("sim://", seed=1) as bench:
        yield bench


def play(bench: Bench, helper: Helper | Nobody, plan: Plan | None = None) -> Session:
    player = Player(bench.pump, plan or short_plan(), helper)
    return player.play(player.load())


def names(session: Session) -> list[str]:
    return [alarm.name for alarm in session.alarms if alarm.name not in ("LIBRARY_MISSING", "NEAR_EMPTY")]


@pytest.mark.requirement("SR-LINK-06")
@pytest.mark.parametrize(("away_s", "alarms"), [(3, []), (60, ["LINK_LOST"])])
def test_a_lost_link_is_found_again_and_the_pump_has_gone_on(bench: Bench, away_s: int, alarms: list[str]) -> None:
    helper = Helper([(60, bench.unplug_link)])
    plug_in_later(bench, helper, away_s)
    session = play(bench, helper)
    assert session.outcome == "complete"
    assert abs(session.counted_ml - 13) <= STEP_ML
    assert helper.told[0].startswith("link lost: ")
    assert helper.told[1:] == ["link found again"]
    assert names(session) == alarms
    assert [alarm.cleared_s is not None for alarm in session.alarms if alarm.name == "LINK_LOST"] == [True] * len(
        alarms
    )
    assert session.device_seconds == pytest.approx(21 * 60, abs=2), "the pump waited for nobody"


def test_a_link_that_stays_lost_is_given_up_and_the_pump_goes_on(bench: Bench) -> None:
    helper = Helper([(60, bench.unplug_link)])
    player = Player(bench.pump, short_plan(), helper)
    digest = player.load()
    with pytest.raises(LinkError):
        player.play(digest)
    assert bench.target.app.controller.state == "INFUSING"
    assert helper.told == [helper.told[0]]


def test_a_pump_that_was_given_another_program_meanwhile_is_not_followed(bench: Bench) -> None:
    helper = Helper([(60, bench.unplug_link)])

    def other(text: str) -> None:
        bench.plug_link()
        bench.reconnect()
        bench.pump.stop()
        bench.change_syringe()
        bench.pump.syringe("bd-plastipak-50", 50_000_000)
        bench.pump.confirm(bench.pump.load(*Protocol.read("goebel-2015").plan("70 kg").program))

    helper.on_tell = other
    with pytest.raises(LinkError, match="another program"):
        play(bench, helper)


def test_ctrl_c_without_a_link_says_so_and_stops_when_it_is_back(bench: Bench) -> None:
    def interrupt() -> None:
        bench.unplug_link()
        raise KeyboardInterrupt

    helper = Helper([(60, interrupt)])
    helper.on_tell = lambda text: bench.plug_link()
    session = play(bench, helper)
    assert "stop it at its own key" in helper.told[0]
    assert session.outcome == "stopped"
    assert bench.pump.status()["state"] == "IDLE"


def test_ctrl_c_at_the_very_start_stops_the_pump(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    start = bench.pump.start

    def interrupted() -> None:
        start()
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.pump, "start", interrupted)
    with Recorder(tmp_path / "session.jsonl") as record:
        player = Player(bench.pump, short_plan(), Helper(), record)
        session = player.play(player.load())
    assert session.outcome == "stopped"
    assert record.failed == "nothing was begun"
    assert bench.pump.status()["state"] == "IDLE"


@pytest.mark.parametrize("reply_lost", [True, False])
def test_a_link_that_is_lost_at_the_start_says_that_the_pump_may_have_begun(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, reply_lost: bool
) -> None:
    start = bench.pump.start

    def unplugged() -> None:
        if reply_lost:
            start()
        bench.unplug_link()
        start()

    monkeypatch.setattr(bench.pump, "start", unplugged)
    with pytest.raises(LinkError, match="the pump may have begun: `titrate status` says so"):
        play(bench, Helper())
    assert (bench.target.app.controller.state == "INFUSING") is reply_lost


@pytest.mark.parametrize("gone", [BrokenPipeError(), OSError("No space left on device"), SystemExit(1)])
def test_a_terminal_that_is_gone_leaves_no_pump_at_work(bench: Bench, gone: BaseException) -> None:
    def write() -> None:
        raise gone

    with pytest.raises(type(gone)):
        play(bench, Helper([(60, write)]))
    assert bench.pump.status()["state"] == "IDLE"


def test_an_occlusion_waits_for_a_person_and_then_goes_on(bench: Bench) -> None:
    class Mender(Helper):
        def attend(self, waiting: list[str], refusal: str) -> str | None:
            if len(self.asked) == 2:
                bench.release()
            return super().attend(waiting, refusal)

    helper = Mender([(60, bench.occlude)], [None] * 9 + [GO_ON])
    session = play(bench, helper)
    assert session.outcome == "complete"
    assert helper.asked[0] == (["OCCLUSION"], "")
    assert names(session) == ["OCCLUSION"]
    assert abs(session.counted_ml - 13) <= 2 * STEP_ML


def test_what_is_still_true_is_told_and_asked_again(bench: Bench) -> None:
    helper = Helper([(60, bench.occlude)], [GO_ON, STOP])
    session = play(bench, helper)
    assert [waiting for waiting, _ in helper.asked] == [["OCCLUSION"]] * 2
    assert "OCCLUSION" in helper.asked[1][1]
    assert session.outcome == "stopped"


@pytest.mark.parametrize("hands", [Nobody(), BenchHands(lambda: None)])
def test_with_nobody_there_an_alarm_ends_it(bench: Bench, hands: Nobody) -> None:
    class Clamp(Helper):
        attend = hands.attend  # type: ignore[assignment]

    session = play(bench, Clamp([(60, bench.occlude)]))
    assert session.outcome == "alarm"
    assert bench.pump.status()["state"] == "IDLE"


def test_a_pause_waits_for_ever_and_for_the_pumps_own_keys(bench: Bench) -> None:
    helper = Helper([(60, bench.pump.pause)], [None] * 500 + [GO_ON])
    session = play(bench, helper)
    assert helper.asked[:2] == [([], "")] * 2
    assert session.outcome == "complete"
    assert session.device_seconds > 21 * 60 + 499
    assert Nobody().attend([], "") is None


@pytest.mark.requirement("SR-STOP-05")
def test_a_stop_at_the_pump_ends_it_and_the_rest_is_what_was_not_counted(bench: Bench) -> None:
    first = play(bench, Helper([(300, lambda: bench.press("stop"))]))
    assert first.outcome == "stopped"
    left, done_ml = rest(short_plan(), bench.pump, "pump")
    assert float(done_ml) == pytest.approx(first.counted_ml, abs=1e-9)
    second = play(bench, Helper(), left)
    assert second.outcome == "complete"
    assert abs(first.counted_ml + second.counted_ml - 13) <= 2 * STEP_ML


@pytest.mark.requirement("SR-STOP-05", "SR-POWER-01")
def test_after_a_power_cut_the_rest_of_the_rest_goes_on_from_the_pumps_own_count(bench: Bench) -> None:
    def cut() -> None:
        bench.cut_power()
        bench.run_for(5)
        bench.target.restore_power()

    counted_ml = []
    plan = short_plan()
    for at_s in (400, 150):
        session = play(bench, Helper([(at_s, cut)]), plan)
        assert session.outcome == "alarm"
        assert "POWER_INTERRUPTED" in names(session)
        assert session.device_seconds == pytest.approx(at_s, abs=1)
        bench.pump.acknowledge()
        plan, done_ml = rest(short_plan(), bench.pump, "pump")
        counted_ml.append(session.counted_ml)
        assert float(done_ml) == pytest.approx(sum(counted_ml), abs=2e-5)
    last = play(bench, Helper(), plan)
    assert last.outcome == "complete"
    booked_ml = sum(counted_ml) + last.counted_ml
    assert abs(booked_ml - 13) <= 3 * STEP_ML
    assert bench.steps * STEP_ML <= 13, "nothing is given twice"
    assert bench.steps * STEP_ML >= 13 - 2 * BOUND_S / 60, "60 mL/h, and a cut costs no more than a checkpoint's bound"


def test_the_rest_behind_a_pause_has_what_is_left_of_it(bench: Bench) -> None:
    play(bench, Helper([(720, lambda: bench.press("stop"))]))
    left, done_ml = rest(short_plan(), bench.pump, "pump")
    assert float(done_ml) == pytest.approx(10, abs=STEP_ML)
    assert [phase.kind for phase in left.phases] == ["pause", "ramp"]
    assert float(left.phases[0].end_s) == pytest.approx(180, abs=3)


def test_a_rest_that_was_confirmed_and_never_started_is_still_whole(bench: Bench) -> None:
    play(bench, Helper([(300, lambda: bench.press("stop"))]))
    left, done_ml = rest(short_plan(), bench.pump, "pump")
    player = Player(bench.pump, left, Helper())
    bench.pump.confirm(player.load())
    bench.pump.stop()
    assert rest(short_plan(), bench.pump, "pump")[1] == pytest.approx(done_ml, abs=STEP_ML)


@pytest.mark.parametrize(("given", "done_ml"), [("5 mL", 5), ("11 mg", 11), ("0.1 mg/kg", 7), ("0 mL", None)])
def test_the_rest_behind_a_stated_amount(bench: Bench, given: str, done_ml: float | None) -> None:
    if done_ml is None:
        with pytest.raises(ProtocolError):
            rest(short_plan(), bench.pump, given)
        return
    left, found_ml = rest(short_plan(), bench.pump, given)
    assert float(found_ml) == done_ml
    assert float(left.total_ml) == pytest.approx(13 - done_ml, abs=1e-6)


@pytest.mark.parametrize("given", ["13 mL", "20 mL", "nonsense", "-1 mL"])
def test_where_nothing_is_left_or_nothing_is_said_it_is_refused(bench: Bench, given: str) -> None:
    with pytest.raises(ProtocolError, match="--from"):
        rest(short_plan(), bench.pump, given)


def test_a_pump_that_did_something_else_has_no_rest_of_this(bench: Bench) -> None:
    with pytest.raises(Refused, match="none is stored"):
        rest(short_plan(), bench.pump, "pump")
    play(bench, Helper([(60, lambda: bench.press("stop"))]))
    with pytest.raises(ProtocolError, match="weight_g 60000"):
        rest(Protocol.read("goebel-2015").plan("60 kg"), bench.pump, "pump")
    play(bench, Helper())
    with pytest.raises(ProtocolError, match="nothing is left"):
        rest(short_plan(), bench.pump, "pump")


def test_the_program_names_its_entry_where_the_pump_has_a_library(bench: Bench) -> None:
    upload(bench.pump, read_library("regimens").library)
    plan = Protocol.read("patil-2012").plan("70 kg")
    session = play(bench, Helper([(60, lambda: bench.press("stop"))]), plan)
    assert session.library == read_library("regimens").library.digest
    assert names(session) == []
    assert bench.pump.program()[0]["code"] == "patil-2012"


def test_the_low_mark_holds_until_a_full_syringe_is_there(bench: Bench) -> None:
    """The default entry goes down to the hold rate with 1 mL left."""
    upload(bench.pump, read_library("regimens").library)
    text = (
        SHORT.replace('"ketamine"', '"saline"\ncode = "small-volume"')
        .replace("60 mL/h", "40 mL/h")
        .replace("10 min", "80 min")
    )
    helper = BenchHands(bench.change_syringe)
    session = play(bench, helper, parse(text).plan(None))
    assert session.outcome == "complete"
    assert "RESERVOIR_LOW" in names(session)
    assert session.syringes_fitted == 2
    assert abs(session.counted_ml - session.commanded_ml) <= 2 * STEP_ML


def test_a_port_that_is_gone_is_opened_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a plug is pulled: reading fails, and so does opening until it is back."""
    read = bench.port.read
    gone = [False]
    tries: list[str] = []

    def pull() -> None:
        gone[0] = True

    def failing(size: int = 1) -> bytes:
        if gone[0]:
            raise serial.SerialException("device disconnected")
        return read(size)

    def opening() -> None:
        tries.append("open")
        if len(tries) < 5:
            raise serial.SerialException("no such device")
        gone[0] = False

    monkeypatch.setattr(bench.port, "read", failing)
    monkeypatch.setattr(bench.port, "open", opening)
    monkeypatch.setattr(bench.port, "close", lambda: None)
    monkeypatch.setattr("titrate.ports.time.sleep", lambda seconds: bench.run_for(seconds))
    session = play(bench, Helper([(60, pull)]))
    assert session.outcome == "complete"
    assert len(tries) == 5
    assert abs(session.counted_ml - 13) <= STEP_ML


def test_dose_limit_is_a_wait_for_a_person(bench: Bench) -> None:
    """The window fills in the run before; nobody resumes by himself."""
    upload(bench.pump, read_library("regimens").library)
    plan = Protocol.read("patil-2012").plan("70 kg")
    for _ in range(2):
        assert play(bench, Helper(), plan).outcome == "complete"
        bench.change_syringe()
    helper = Helper((), [None] * 3 + [GIVE_UP])
    session = play(bench, helper, plan)
    assert session.outcome == "alarm"
    assert session.counted_ml == pytest.approx(0.4 * 70, rel=0.02), "1.4 mg/kg in 24 h"
    assert helper.asked[0][0] == ["DOSE_LIMIT"]
