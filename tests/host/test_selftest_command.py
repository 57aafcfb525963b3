"""`titrate selftest --guided`: at a terminal, and where there is none."""

import json

from typer.testing import CliRunner

from tests.hil.test_guided_selftest import NAMES
from tests.host.test_live import TITRATE, run_in_terminal
from titrate.checking import NOBODY
from titrate.cli import app


def test_without_a_terminal_everything_is_skipped_and_the_record_says_so() -> None:
    done = CliRunner().invoke(app, ["selftest", "--guided", "--port", "sim://", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["checks"] == [{"name": name, "result": "skipped", "why": NOBODY} for name in NAMES]
    assert found["failed"] == []
    assert (found["pump"]["board"], found["at"][-6:]) == ("pico", "+00:00")
    assert found["steps"]["ram"] == "passed"


def test_a_person_answers_at_the_terminal() -> None:
    """A simulated pump has no keys for a person's finger, so those are skipped; what is seen is asked."""
    words = [*TITRATE, "selftest", "--guided", "--port", "sim://"]
    skipped = [
        "Hold STOP",
        "Hold START",
        "Hold BOLUS",
        "Hold MUTE",
        "syringe out",
        "guard",
        "Bring air",
        "Close the line",
    ]
    answers = [(text, "s\n") for text in skipped]
    answers += [("Is that so", "what\n"), (r"answered--\n(.|\n)*Is that so\?(.|\n)*Is that so", "y\n")]
    answers += [("red light", "y\n"), ("yellow light", "n\n"), ("cyan light", "s\n"), ("buzzer sound", "y\n")]
    answers += [("may 0.1 mL leave", "y\n"), ("moved forward", "y\n")]
    code, shown = run_in_terminal(words, answers, {"COLUMNS": "200"})
    assert code == 1, shown
    assert shown.count("--answered--") == len(answers), shown
    assert "light yellow: failed" in shown
    assert "motor: passed, 288 of 288 steps counted" in shown
    assert "light cyan: skipped" in shown
