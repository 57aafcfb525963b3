"""The commands that set a pump up or change what runs: operators, clear, library history, adjust."""

import json
import re

import pytest
from typer.testing import CliRunner

from hil.bench import Bench, open_bench
from pump.core.library import DEFAULTS
from tests.programs import PL_PER_ML, SYRINGE, flat, follow, header
from titrate.cli import app
from titrate.client import Pump
from titrate.errors import TimedOut


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A simulated pump that stays the same from command to command."""
    bench = open_bench("sim://")
    monkeypatch.setattr(Pump, "open", lambda url: Pump(bench.port))
    monkeypatch.setattr(Pump, "close", lambda pump: None)
    return bench


def run(*arguments: str, code: int = 0, **environment: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--port", "sim://"], env=environment)
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else " ".join(done.stderr.split())


def test_operators_are_recorded_shown_and_forgotten(bench: Bench) -> None:
    assert "nobody is recorded" in run("operators")
    assert run("operators", "add", "ada", "--administrator", TITRATE_NEW_PASSPHRASE="engine") == "known: ada\n"
    shown = json.loads(run("operators", "--json"))
    assert shown["operators"] == [["ada", 1]]
    assert "engine" not in json.dumps(shown)
    assert "no such operator" in run("operators", "remove", "ada", code=4), "bench is nobody any more"


def test_a_passphrase_that_nobody_can_be_asked_for_is_one_line(bench: Bench) -> None:
    said = run("operators", "add", "ada", code=2)
    assert said == (
        "titrate: titrate operators add: nothing is given; allowed: TITRATE_NEW_PASSPHRASE, where nobody can be asked"
    )


def test_clear_forgets_what_it_names_and_asks_first(bench: Bench) -> None:
    bench.pump.configure(occlusion_level=0)
    assert "--yes, where no terminal" in run("clear", "settings", code=2)
    assert bench.pump.settings()["occlusion_level"] == 0
    assert run("clear", "settings", "--yes") == "forgotten: settings\n"
    assert bench.pump.settings()["occlusion_level"] != 0
    assert "must be one of calibration, library, operators, settings" in run("clear", "everything", "--yes", code=4)


@pytest.mark.parametrize("value", ["", "²", "٣", "-1", "1.0", "3", "9" * 5000])
def test_a_setting_that_is_no_number_of_its_span_is_one_line(bench: Bench, value: str) -> None:
    assert "allowed: 0 to 2" in run("settings", f"occlusion_level={value}", code=2)


def test_a_setting_that_is_given_twice_is_refused(bench: Bench) -> None:
    before = bench.pump.settings()
    said = run("settings", "auto_off_h=1", "occlusion_level=0", "auto_off_h=0", code=2)
    assert '"auto_off_h=0" is not valid; allowed: one value for auto_off_h; auto_off_h=1 is given as well' in said
    assert bench.pump.settings() == before


@pytest.mark.parametrize(
    ("words", "longest"),
    [(["fluid", "{}", "1 mg/mL"], 40), (["operators", "add", "{}", "--passphrase", "x", "--administrator"], 20)],
)
def test_a_name_that_is_too_long_or_unprintable_is_wrong_use(bench: Bench, words: list[str], longest: int) -> None:
    for name in ("", "k" * (longest + 1), "k" * 5000, "K\u00e4tamin", "a\tb"):
        said = run(*(word.format(name) for word in words), code=2)
        assert f"allowed: 1 to {longest} characters of printable ASCII" in said
        assert len(said) < 200
    run(*(word.format("k" * longest) for word in words))


def test_what_is_too_long_for_the_link_is_wrong_use(bench: Bench) -> None:
    said = run("clear", "k" * 5000, "--yes", code=2)
    assert "clear: " in said
    assert "shorter by 40" in said
    assert len(said) < 200


def test_the_history_names_the_libraries_and_when_they_came_in_force(bench: Bench) -> None:
    assert run("library", "history") == "no library has come in force\n"
    run("library", "upload", "regimens")
    (entry,) = json.loads(run("library", "history", "--json"))
    assert entry["utc"].endswith("+00:00")
    assert len(entry["digest"]) == 16
    assert entry["digest"] in run("library", "history")


@pytest.mark.requirement("SR-LIB-16")
def test_the_defaults_of_the_firmware_are_shown(bench: Bench) -> None:
    assert json.loads(run("library", "defaults", "--json")) == DEFAULTS
    shown = run("library", "defaults")
    assert "rate_most_nl_h          99900000\n" in shown
    assert "time_format             24 h\n" in shown


def test_refill_takes_one_word_about_what_is_held(bench: Bench) -> None:
    said = run("refill", "--volume", "1 mL", "--fill", "5 mL", "--empty", "--yes", code=2)
    assert '"--fill 5 mL --empty" is not valid; allowed: one of them' in said
    assert bench.steps == 0


def test_prime_ends_at_its_volume_and_says_what_it_used(bench: Bench) -> None:
    document = json.loads(run("prime", "--volume", "0.5 mL", "--yes", "--json"))
    assert 0.5 <= document["used_ml"] < 0.6
    assert document["status"]["state"] == "IDLE"
    assert re.fullmatch(r"0\.5\d\d mL used, 49\.4\d mL left: IDLE\n", run("prime", "--volume", "0.5 mL", "--yes"))


def test_prime_says_so_when_the_pump_has_ended_it(bench: Bench) -> None:
    done = CliRunner().invoke(app, ["prime", "--volume", "40 mL", "--yes", "--port", "sim://"])
    assert done.exit_code == 1
    assert done.stdout == "6.666 mL used, 43.33 mL left: IDLE; FILLING_FAILED\n"
    assert "acknowledge first: FILLING_FAILED" in run("prime", "--volume", "1 mL", "--yes", code=4)


def test_nobody_primes_unseen(bench: Bench) -> None:
    assert "--volume, where nobody watches" in run("prime", "--yes", code=2)
    assert "--yes, where no terminal is there" in run("prime", "--volume", "1 mL", code=2)
    assert "--volume" in run("prime", "--volume", "1 mg", "--yes", code=2)


def test_refill_draws_in_its_volume_and_says_what_is_held(bench: Bench) -> None:
    assert re.fullmatch(
        r"2\.000 mL drawn, 2\.00 mL held: IDLE\n", run("refill", "--volume", "2 mL", "--empty", "--yes")
    )
    document = json.loads(run("refill", "--volume", "1 mL", "--yes", "--json"))
    assert document["drawn_ml"] == pytest.approx(1, abs=0.001)
    assert document["status"]["remaining_nl"] == pytest.approx(3_000_000, abs=1000)
    assert "volume_nl: must be 1 to 4" in run("refill", "--volume", "48 mL", "--yes", code=4)
    assert "--yes, where no terminal is there" in run("refill", "--volume", "1 mL", code=2)
    assert "--volume" in run("refill", "--volume", "1 mg", "--yes", code=2)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("prime", ["prime", "--volume", "1 mL", "--yes"]),
        ("refill", ["refill", "--volume", "1 mL", "--empty", "--yes"]),
        ("start", ["calibrate", "volume", "--ml", "1 mL", "--yes", "--measured", "1 mL", "--measured", "1 mL"]),
    ],
)
def test_ctrl_c_before_the_pump_has_answered_stops_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, method: str, words: list[str]
) -> None:
    asked = getattr(Pump, method)

    def interrupted(pump: Pump, *arguments: int) -> None:
        asked(pump, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Pump, method, interrupted)
    run(*words, code=1)
    assert bench.pump.status()["state"] == "IDLE"


@pytest.mark.parametrize(
    "words",
    [
        ["refill", "--volume", "1 mL", "--yes", "--fill"],
        ["calibrate", "volume", "--measured", "1 mL", "--measured", "1 mL", "--yes", "--ml"],
        ["log", "--csv"],
    ],
)
def test_an_option_that_is_empty_is_not_one_that_was_left_out(bench: Bench, words: list[str]) -> None:
    """As a shell gives it whose variable is not set."""
    assert f'{words[-1]}: "" is not valid' in run(*words, "", code=2)


@pytest.mark.parametrize(
    "words", [["prime", "--volume", "1 mL", "--yes"], ["refill", "--volume", "1 mL", "--empty", "--yes"]]
)
def test_a_link_that_is_lost_while_it_fills_says_that_the_motor_may_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    def pulled(pump: Pump) -> None:
        bench.unplug_link()
        raise TimedOut("no status")

    monkeypatch.setattr(Pump, "wait_status", pulled)
    assert "the pump may have begun" in run(*words, code=3)
    assert bench.motor_on


def test_a_refusal_to_fill_stops_nothing(bench: Bench) -> None:
    phases = flat(60, 600)
    bench.pump.syringe(SYRINGE, 50_000_000)
    bench.pump.confirm(bench.pump.load(header(phases), phases))
    bench.pump.start()
    run("refill", "--volume", "1 mL", "--yes", code=4)
    assert bench.pump.status()["state"] == "INFUSING"


def test_adjust_sets_a_rate_in_any_unit_of_a_protocol(bench: Bench) -> None:
    assert "adjust in IDLE: no program is under way" in run("adjust", "5 mL/h", "--yes", code=4)
    assert "bolus in IDLE: no program is under way" in run("bolus", "0.1 mL", code=4)
    phases = [[*flat(25, 600)[0], 5 * PL_PER_ML, 60 * PL_PER_ML]]
    bench.pump.syringe(SYRINGE, 50_000_000)
    bench.pump.confirm(bench.pump.load(header(phases), phases))
    bench.pump.start()
    follow(bench, lambda status: status["infused_ms"] > 1000)
    assert "--yes, where no terminal" in run("adjust", "12.5 mL/h", code=2)
    run("adjust", "0.42 mg/kg/h", "--yes")  # 70 kg, 0.98 mg/mL: 30 mL/h
    assert follow(bench, lambda status: status["rate_nl_h"] != 25_000_000)["rate_nl_h"] == 30_000_000
    assert "the bounds of this phase" in run("adjust", "61 mL/h", "--yes", code=4)
