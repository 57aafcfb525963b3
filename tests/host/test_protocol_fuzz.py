"""Whatever a file says: a plan, or a ProtocolError that names file and line. Nothing else, and no traceback."""

import re
import tomllib
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.host import strategies
from titrate import Plan, ProtocolError
from titrate.cli import app
from titrate.reading import packaged, parse

PACKAGED = {name: (files("titrate") / "protocols" / f"{name}.toml").read_text(encoding="utf-8") for name in packaged()}
TOKENS = (
    "[", "]", "[[phase]]\n", "[[phase.phase]]\n", "{", "}", "=", '"', "'", '"""', "\n", "#", ",", ".", "0", "9", "-",
    "value", "source", "repeat = 400\n", 'every = "1 s"\n', " kg", "mg", "/", "\x00", "\\", "µ", "for", "cap", "= 5",
    'bounds = { floor = "1 mg/h", ceiling = "1 mg/h" }\n', 'dose = "1 mg"\n', 'mixed_for = "1 mL/h"\n',
)  # fmt: skip


def planned(text: str, weight: str | None) -> Plan | ProtocolError:
    try:
        return parse(text, "fuzz.toml").plan(weight)
    except ProtocolError as error:
        return error


def check(text: str, weight: str | None = "70 kg") -> None:
    """Fails where a text comes to anything but a plan or an error that names a line of it."""
    found = planned(text, weight)
    if isinstance(found, Plan):
        assert found.total_mg == sum(phase.dose_mg for phase in found.phases) > 0
        assert found.program.digest
        return
    assert found.allowed
    assert "\n" not in str(found)
    if found.where == "fuzz.toml":  # tomllib itself does not say where
        with pytest.raises((ValueError, RecursionError)):
            tomllib.loads(text)
        return
    place = re.match(r"fuzz\.toml line (\d+)", found.where)
    assert place, found
    assert 1 <= int(place[1]) <= text.count("\n") + 1


@settings(max_examples=400)
@given(strategies.documents)
@example({"phase": [{"repeat": 500, "phase": [{"repeat": 500, "phase": [{"pause": "400 d"}]}]}]})
def test_any_document_is_a_plan_or_an_error_with_a_line(document: dict[str, Any]) -> None:
    text = strategies.toml_document(document)
    tomllib.loads(text)
    check(text)


@settings(max_examples=400)
@given(
    strategies.documents,
    st.lists(st.dictionaries(strategies.keys, strategies.scalars | strategies.documents), max_size=3),
)
def test_any_phases_behind_a_good_head(more: dict[str, Any], phases: list[dict[str, Any]]) -> None:
    """Deeper than the test before it: the head is good, so that the phases are read."""
    lines = [strategies.HEAD]
    for phase in phases:
        lines += ["[[phase]]\n", strategies.toml_document(phase)]
    lines += ["[[phase]]\n", 'infuse = "1 mg/h"\nfor = "1 h"\n']
    if "infuse" not in more and "for" not in more:
        lines.append(strategies.toml_document(more))
    check("".join(lines))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A packaged file with a few places cut out, doubled, exchanged or written over."""
    text = PACKAGED[draw(st.sampled_from(sorted(PACKAGED)))]
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(begin + draw(st.integers(0, 60)), len(text))
        change = draw(st.sampled_from(["cut", "double", "insert", "other file", "number"]))
        if change == "cut":
            text = text[:begin] + text[end:]
        elif change == "double":
            text = text[:end] + text[begin:]
        elif change == "insert":
            text = text[:begin] + draw(st.sampled_from(TOKENS)) + text[end:]
        elif change == "other file":
            other = PACKAGED[draw(st.sampled_from(sorted(PACKAGED)))]
            text = text[:begin] + other[draw(st.integers(0, len(other))) :]
        else:
            figures = list(re.finditer(r"\d+(\.\d+)?", text))
            if figures:
                figure = draw(st.sampled_from(figures))
                text = (
                    text[: figure.start()]
                    + draw(st.sampled_from(["0", "1e9", "999999", "0.0001", "-1", "7,5"]))
                    + text[figure.end() :]
                )
    return text


@settings(max_examples=600)
@given(mutated())
def test_any_mutation_of_a_packaged_file(text: str) -> None:
    check(text, None)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_any_text(text: str) -> None:
    check(text)


@given(st.text(max_size=12), st.text(max_size=12))
@example("70 kg", "15 years")
@example("1e999 kg", "nan years")
def test_any_weight_and_age(weight: str, age: str) -> None:
    protocol = parse(PACKAGED["sheehy-2015-low"])
    try:
        found: Plan | ProtocolError = protocol.plan(weight, age=age)
    except ProtocolError as error:
        found = error
    assert isinstance(found, Plan) or found.where in ("--weight", "--age")


@settings(max_examples=25)
@given(mutated())
def test_the_command_ends_with_0_or_2_and_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "file.toml"
    file.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["plan", str(file)])
    assert done.exit_code in (0, 2)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    if done.exit_code:
        assert len(done.stderr.strip().splitlines()) == 1
