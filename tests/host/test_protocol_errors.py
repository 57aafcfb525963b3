"""What is wrong with a file is said with file, place, value and what is allowed; exit 2; never a traceback."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from titrate import reading
from titrate.cli import app
from titrate.errors import ProtocolError

HEADER = '[protocol]\nname = "p"\ntitle = "P"\n'
DRUG = '[drug]\nname = "ketamine"\nconcentration = "1 mg/mL"\n'
SUBJECT = '[subject]\nweight = "70 kg"\n'
TOP = HEADER + DRUG + SUBJECT
INFUSE = '[[phase]]\ninfuse = "1 mg/h"\nfor = "1 h"\n'
REPEAT = '[[phase]]\nrepeat = 2\n[[phase.phase]]\ninfuse = "1 mg/h"\nfor = "4 h"\n'


def phase(*lines: str) -> str:
    return TOP + "[[phase]]\n" + "\n".join(lines) + "\n"


# name: (text, where, allowed)
BAD = {
    "empty": ("", "protocol", "`protocol` is needed"),
    "no TOML": ("infuse: 5", "bad.toml", "TOML"),
    "duplicate key": (TOP + INFUSE + 'for = "2 h"\n', "bad.toml", "line 12"),
    "too many brackets": ("a = " + "[" * 5000, "bad.toml", "TOML"),
    "endless integer": (phase("repeat = " + "9" * 5000), "bad.toml", "TOML"),
    "no drug": (HEADER + INFUSE, "drug", "is needed"),
    "no phase": (TOP, "phase", "is needed"),
    "empty phases": ("phase = []\n" + TOP, "phase", "at least 1"),
    "phase is a table": (TOP + '[phase]\ninfuse = "1 mg/h"\n', "phase", "a valid list"),
    "phase is a number": ("phase = [1]\n" + TOP, "phase[0]", "exactly one of infuse"),
    "only pauses": (phase('pause = "1 h"'), "phase", "at least one phase that infuses"),
    "no verb": (phase('for = "1 h"'), "line 9, phase[0]", "exactly one of infuse, ramp"),
    "two verbs": (phase('infuse = "1 mg/h"', 'bolus = "1 mg"'), "phase[0]", "exactly one of"),
    "unknown key": (
        phase('infuse = "1 mg/h"', 'for = "1 h"', "speed = 1"),
        "line 12, phase[0].speed",
        "infuse, for, cap",
    ),
    "unknown table": (TOP + "[pump]\n" + INFUSE, "line 9, pump", "protocol, drug, subject, limits, demand, phase"),
    "unknown key of drug": (HEADER + DRUG + "dose = 1\n" + INFUSE, "drug.dose", "concentration, mixed_for"),
    "unknown key of ramp": (
        phase('ramp = { from = "1 mg/h", to = "2 mg/h", by = 2 }', 'for = "1 h"'),
        "phase[0].ramp.by",
        "from, to",
    ),
    "no duration": (phase('infuse = "1 mg/h"'), "phase[0].for", "`for` is needed"),
    "comma": (
        phase('infuse = "0,35 mg/kg/h"', 'for = "1 h"'),
        "line 10, phase[0].infuse",
        "a point as the decimal sign",
    ),
    "no unit": (phase("infuse = 0.35", 'for = "1 h"'), "phase[0].infuse", "a number needs its unit"),
    "infinite": (phase("infuse = inf", 'for = "1 h"'), "phase[0].infuse", "a number needs its unit"),
    "a dose for a rate": (phase('infuse = "1 mg/kg"', 'for = "1 h"'), "phase[0].infuse", "mg/kg/h or mg/h or mL/h"),
    "negative": (phase('infuse = "-1 mg/h"', 'for = "1 h"'), "phase[0].infuse", "nothing negative"),
    "zero": (phase('infuse = "0 mg/h"', 'for = "1 h"'), "phase[0].infuse", "more than zero"),
    "huge": (phase('infuse = "1e999 mg/h"', 'for = "1 h"'), "phase[0].infuse", "a unit like"),
    "zero duration": (phase('bolus = "1 mg"', 'over = "0 s"'), "phase[0].over", "more than zero"),
    "too long": (phase('infuse = "1 mg/h"', 'for = "11 d"'), "phase[0].for", "864000 s"),
    "level ramp of nothing": (
        phase('ramp = { from = "0 mg/h", to = "0 mg/h" }', 'for = "1 h"'),
        "phase[0].ramp",
        "one end above zero",
    ),
    "staircase from zero": (
        phase('staircase = { from = "0 mg/h", to = "2 mg/h", steps = 2 }', 'each = "1 h"'),
        "phase[0].staircase.from",
        "more than zero",
    ),
    "one step": (
        phase('staircase = { from = "1 mg/h", to = "2 mg/h", steps = 1 }', 'each = "1 h"'),
        "phase[0].staircase.steps",
        "greater than or equal to 2",
    ),
    "half a repeat": (TOP + REPEAT.replace("2", "2.5"), "phase[0].repeat", "integer"),
    "repeat of nothing": (phase("repeat = 2"), "phase[0].phase", "is needed"),
    "repeat never": (TOP + REPEAT.replace("2", "0"), "phase[0].repeat", "greater than or equal to 1"),
    "nested unknown key": (TOP + REPEAT + "x = 1\n", "line 14, phase[0].phase[0].x", "infuse, for"),
    "overlapping repeats": (
        TOP + REPEAT.replace("repeat = 2", 'repeat = 2\nevery = "3 h"'),
        "line 11, phase[0].every",
        "at least 4 h",
    ),
    "too many phases": (TOP + REPEAT.replace("repeat = 2", 'repeat = 300\nevery = "5 h"'), "phase[0]", "at most 500"),
    "stated flow disagrees": (
        phase('infuse = "0.35 mg/kg/h"', 'for = "1 h"', 'rate = "25 mL/h"'),
        "line 12, phase[0].rate",
        "24.5 mL/h, because 0.35 mg/kg/h is 24.5 mg/h for 70 kg and the drug has 1 mg/mL",
    ),
    "no concentration": (HEADER + '[drug]\nname = "k"\n' + INFUSE, "drug", "one of concentration"),
    "two concentrations": (
        HEADER + DRUG + 'mixed_for = "25 mL/h"\n' + SUBJECT + '[[phase]]\ninfuse = "0.35 mg/kg/h"\nfor = "4 h"\n',
        "line 6, drug.concentration",
        "0.98 mg/mL, because phase[0] infuses 0.35 mg/kg/h, 24.5 mg/h for 70 kg, and is mixed for 25 mL/h",
    ),
    "nothing to mix for": (
        HEADER + SUBJECT + '[drug]\nname = "k"\nmixed_for = "25 mL/h"\n[[phase]]\ninfuse = "25 mL/h"\nfor = "1 h"\n',
        "drug.mixed_for",
        "states a dose rate",
    ),
    "weight of zero": (HEADER + DRUG + '[subject]\nweight = "0 kg"\n' + INFUSE, "subject.weight", "more than zero"),
    "weight of 700 kg": (HEADER + DRUG + '[subject]\nweight = "700 kg"\n' + INFUSE, "subject.weight", "1 to 300 kg"),
    "no weight": (HEADER + DRUG + INFUSE, "subject.weight", "70 kg"),
    "unknown source": (phase('infuse = "1 mg/h"', 'for = "1 h"', 'source = "hearsay"'), "phase[0].source", "'table'"),
    "newline in the name": (HEADER.replace('"p"', '"p\\nq"') + DRUG + INFUSE, "protocol.name", "pattern"),
    "name of 61": (HEADER.replace('"p"', '"' + "p" * 61 + '"') + DRUG + INFUSE, "protocol.name", "60 characters"),
    "five deep": (
        TOP
        + "".join(f"[[{'.'.join(['phase'] * depth)}]]\nrepeat = 1\n" for depth in range(1, 6))
        + f'[[{".".join(["phase"] * 6)}]]\ninfuse = "1 mg/h"\nfor = "1 h"\n',
        "phase[0].phase[0].phase[0].phase[0].phase[0]",
        "at most 4 deep",
    ),
}


@pytest.mark.requirement("SR-RATE-09", "SR-UI-02", "SR-UI-15")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_exits_2_and_names_the_place(name: str, tmp_path: Path) -> None:
    text, where, allowed = BAD[name]
    file = tmp_path / "bad.toml"
    file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["plan", str(file), "--json"])
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1
    assert where in result.stderr
    assert allowed in result.stderr
    assert json.loads(result.stdout)["error"]["exit_code"] == 2
    assert "bad.toml" in result.stderr


@pytest.mark.requirement("SR-UI-15")
@pytest.mark.parametrize("data", [b"\x00\xff\xfe\x01", b"\xef\xbb\xbf[protocol]", b"#" * 10_000_000])
def test_what_is_no_text_is_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(data)
    result = CliRunner().invoke(app, ["plan", str(file)])
    assert result.exit_code == 2
    assert "bad.toml" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("path", ["missing.toml", "", "nul\0byte", ".", "x" * 5000])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(ProtocolError) as raised:
        reading.read(path)
    assert "file" in raised.value.allowed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--weight", "70"], "--weight"),
        (["--weight", "0,7 kg"], "decimal sign"),
        (["--weight", "700 kg"], "1 to 300 kg"),
        (["--session", "0"], "1 to 10"),
        (["--session", "11"], "1 to 10"),
        (["--session", "two"], "integer"),
        (["--syringe", "bucket"], "bd-plastipak-50"),
        (["--plot", "plan.gif"], ".png or .svg"),
        (["--plot", "nowhere/plan.png"], "can be written"),
        (["--speed", "9"], "--speed"),
    ],
)
def test_wrong_options_exit_2(options: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["plan", "schwartzman-2009", *options])
    assert result.exit_code == 2
    assert said in result.stderr
    assert not result.stdout


def test_a_session_of_a_protocol_without_repeat_is_refused() -> None:
    with pytest.raises(ProtocolError, match="nothing is repeated"):
        reading.read("goebel-2015").plan(session=1)
