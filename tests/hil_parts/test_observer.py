"""Somebody who looks and listens, played by scripts: what is understood, what is asked again, and that the rig's own
tests of what is seen and heard pass by right answers and by no others."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hil import inventory
from hil.aftermath import leave
from hil.bench import Bench, open_bench
from hil.benchfile import parse
from hil.boards import ROOT
from hil.instruments.errors import Garbled, InstrumentMissing
from hil.instruments.observer import AskedObserver, SimulatedObserver, SoundMeter, Title
from hil.notes import Notes
from hil.real import RealBench
from hil.virtual import VirtualBench
from pump.core.signals import HIGH, LOW, MEDIUM
from tests.breadboard import breadboard
from tests.hil import test_seen_and_heard as seen_and_heard

SPEED = 10.0
EYES_AND_EARS = """
[observer]
by = "person"

[sound_meter]
model = "a meter"
serial_number = "77"
"""


class Script:
    """Answers one after the other; `questions` are those it was asked."""

    def __init__(self, *answers: str) -> None:
        self._answers = iter(answers)
        self.questions: list[str] = []

    def __call__(self, question: str) -> str:
        self.questions.append(question)
        return next(self._answers)


def look_at_lamps(answer: Script) -> object:
    return AskedObserver(answer=answer).lamps()


def read_title(answer: Script) -> object:
    return AskedObserver(answer=answer).title()


def look_for_leak(answer: Script) -> object:
    return AskedObserver(answer=answer).leak()


def read_meter(answer: Script) -> object:
    return SoundMeter("a meter", "77", answer).level_db("the low alarm")


@pytest.mark.parametrize(
    ("ask", "answer", "found"),
    [
        (look_at_lamps, "red", {"red"}),
        (look_at_lamps, " Red, yellow", {"red", "yellow"}),
        (look_at_lamps, "yellow and cyan", {"yellow", "cyan"}),
        (look_at_lamps, "none", set()),
        (read_title, "!! LINK LOST", Title(MEDIUM, "LINK_LOST")),
        (read_title, "!!!guard open ", Title(HIGH, "GUARD_OPEN")),
        (read_title, "! near_empty", Title(LOW, "NEAR_EMPTY")),
        (read_title, "none", None),
        (look_for_leak, "No", False),
        (look_for_leak, "yes", True),
        (read_meter, "63", 63.0),
        (read_meter, "63,5 dB(A)", 63.5),
        (read_meter, "0.0 dB", 0.0),
        (read_meter, "140dba", 140.0),
    ],
)
def test_what_a_person_says_is_understood(ask: Callable[[Script], object], answer: str, found: object) -> None:
    assert ask(Script(answer)) == found


@pytest.mark.parametrize(
    ("ask", "nonsense", "good"),
    [
        (look_at_lamps, ["", "purple", "no", "none, red", "the left one"], "cyan"),
        (read_title, ["", "LINK LOST", "!! LINK", "!!!! LINK LOST", "!!", "no"], "!! LINK LOST"),
        (look_for_leak, ["", "maybe", "none", "dry"], "no"),
        (read_meter, ["", "loud", "-3", "141", "6e1", "nan", "60 Pa", "60 61"], "60"),
    ],
)
def test_a_blank_and_nonsense_are_asked_again_and_then_given_up(
    ask: Callable[[Script], object], nonsense: list[str], good: str
) -> None:
    for wrong in nonsense:
        script = Script(wrong, good)
        ask(script)
        first, again = script.questions
        assert again.startswith(f'"{wrong.lower()}" is no ')
        assert again.endswith(first), "the same question"
        with pytest.raises(Garbled, match=rf'a person at the bench.*3 answers that say nothing.*"{wrong.lower()}"'):
            ask(Script(*[wrong] * 3))


def nobody(_question: str) -> str:
    raise EOFError


@pytest.mark.parametrize("ask", [look_at_lamps, read_title, look_for_leak, read_meter])
def test_what_cannot_be_looked_at_is_a_reason_to_skip(
    ask: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InstrumentMissing, match="could not be done"):
        ask(Script("skip"))
    with pytest.raises(InstrumentMissing, match="nobody answers"):
        ask(nobody)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(InstrumentMissing, match=r"nobody is there.*pytest leaves it alone with -s"):
        ask(None)


@pytest.mark.parametrize("display", ["none", "ssd1306"])
def test_a_display_is_read_where_the_pumps_board_has_one(monkeypatch: pytest.MonkeyPatch, display: str) -> None:
    monkeypatch.setattr(inventory, "board_data", lambda _: SimpleNamespace(FITTED={"display": display}))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", Script("!! LINK LOST"))
    observer = inventory.observer(parse((ROOT / "hil/benches/example.toml").read_text()))
    if display == "none":
        with pytest.raises(InstrumentMissing, match="display: board pico has none"):
            observer.title()
    else:
        assert observer.title() == Title(MEDIUM, "LINK_LOST")


def test_a_simulated_bench_has_no_level_to_be_read() -> None:
    with (
        open_bench("sim://") as bench,
        pytest.raises(InstrumentMissing, match="sound_meter: a simulated bench makes no"),
    ):
        assert bench.sound_meter


# --- the rig's tests, answered rightly and wrongly

Mistake = Callable[[str], str]
LAMP_MISTAKES: dict[str, Mistake] = {
    "sees none": lambda _: "none",
    "sees no red": lambda true: true.replace("red", "none"),
    "takes yellow for red": lambda true: true.replace("yellow", "red"),
    "sees cyan for ever": lambda true: true.replace("none", "cyan"),
    "sees a second one": lambda true: true.replace("red", "red, yellow"),
}
TITLE_MISTAKES: dict[str, Mistake] = {
    "cannot read it": lambda _: "none",
    "misses a mark": lambda true: true.replace("!!!", "!!"),
    "reads another name": lambda true: true.replace("LINK_LOST", "OCCLUSION"),
    "reads one that is over": lambda true: true.replace("none", "!! LINK_LOST"),
}


def eyes(bench: Bench) -> SimulatedObserver:
    return SimulatedObserver(bench, bench.target.display.frame, lambda: 0.0)


def lamps_of(bench: Bench) -> str:
    return ", ".join(eyes(bench).lamps()) or "none"


def title_on(bench: Bench) -> str:
    title = eyes(bench).title()
    return "!" * title.priority + " " + title.alarm if title else "none"


def judge_lamps(mistake: Mistake) -> None:
    with open_bench("sim://") as bench:
        person = AskedObserver(answer=lambda _: mistake(lamps_of(bench)))
        seen_and_heard.test_the_lamp_shows_the_highest_of_the_priorities_in_force(bench, person)


def test_the_lamp_is_judged_by_what_the_person_sees() -> None:
    judge_lamps(lambda true: true)


@pytest.mark.parametrize("mistake", LAMP_MISTAKES)
def test_the_lamp_fails_where_the_person(mistake: str) -> None:
    with pytest.raises(AssertionError):
        judge_lamps(LAMP_MISTAKES[mistake])


def judge_title(monkeypatch: pytest.MonkeyPatch, folder: Path, mistake: Mistake) -> None:
    with breadboard("sim://", folder) as bench:
        person = AskedObserver(answer=lambda _: mistake(title_on(bench)))
        monkeypatch.setattr(Bench, "observer", person)
        seen_and_heard.test_the_display_names_the_alarm_and_its_priority(bench)


def test_the_display_is_judged_by_what_the_person_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    judge_title(monkeypatch, tmp_path, lambda true: true)


@pytest.mark.parametrize("mistake", TITLE_MISTAKES)
def test_the_display_fails_where_the_person(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mistake: str) -> None:
    with pytest.raises(AssertionError):
        judge_title(monkeypatch, tmp_path, TITLE_MISTAKES[mistake])


@pytest.mark.parametrize(
    ("levels_db", "wrong"),
    [
        ([58.5, 62, 66, 34], None),
        ([20, 100, 30, 14], None),
        ([58.5, 19.9, 66, 5], "the medium alarm: sound level at 1 m"),
        ([58.5, 62, 100.1, 34], "the high alarm: sound level at 1 m"),
        ([34.5, 62, 66, 34], "the low alarm: above the room"),
    ],
)
def test_levels_are_held_against_the_band_and_the_room(
    monkeypatch: pytest.MonkeyPatch, levels_db: list[float], wrong: str | None
) -> None:
    monkeypatch.setattr(Bench, "sound_meter", SoundMeter("a meter", "77", Script(*map(str, levels_db))))
    notes = Notes("test", "real", simulated=False, requirement="SR-AUDIO-02")
    judged: Any = pytest.raises(AssertionError, match=wrong) if wrong else nullcontext()
    with open_bench("sim://") as bench, judged:
        seen_and_heard.test_every_alarm_is_neither_too_quiet_nor_too_loud(bench, notes)
    assert notes.data["instruments"] == [["a meter", "77", False]]
    assert len(notes.data["figures"]) == 6 or wrong


def test_on_a_bench_of_real_ports_the_person_is_asked_at_the_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    levels_db = iter([58.5, 62, 66, 34])

    def answer(question: str) -> str:
        if "meter" in question:
            return str(next(levels_db))
        with virtual.pump.lock:
            return lamps_of(virtual.bench)

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", answer)
    with VirtualBench(tmp_path, speed=SPEED) as virtual:
        file = parse(virtual.path.read_text() + EYES_AND_EARS)
        with RealBench(file, motion=True, clock=virtual.pump) as real:
            bench = cast(Bench, real)  # the same names, as far as it has them
            seen_and_heard.test_the_lamp_shows_the_highest_of_the_priorities_in_force(bench, real.observer)
            notes = Notes("test", "real", simulated=False)
            seen_and_heard.test_every_alarm_is_neither_too_quiet_nor_too_loud(bench, notes)
            with pytest.raises(InstrumentMissing, match="display: board pico has none"):
                real.observer.title()
            real.open_guard()
            assert virtual.relays.states[1]
            assert leave(real, ["LINK_LOST"]) == []
        assert not virtual.relays.states[1], "the guard is closed behind the test"
