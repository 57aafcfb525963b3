"""The schema that editors get: draft 7, every packaged file fits it, and what editors are to mark does not."""

import json
import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import fastjsonschema
import pytest
from hypothesis import given
from typer.testing import CliRunner

from tests.host.strategies import files as drawn_files
from titrate.cli import app
from titrate.reading import packaged
from titrate.schema import schema


@pytest.fixture(scope="module")
def fits() -> Callable[[dict[str, Any]], Any]:
    found: Callable[[dict[str, Any]], Any] = fastjsonschema.compile(schema())
    return found


def document(name: str) -> dict[str, Any]:
    return tomllib.loads((files("titrate") / "protocols" / f"{name}.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", packaged())
def test_the_packaged_files_fit(name: str, fits: Callable[[dict[str, Any]], Any]) -> None:
    fits(document(name))


@given(files=drawn_files())
def test_every_good_file_fits(files: str, fits: Callable[[dict[str, Any]], Any]) -> None:
    fits(tomllib.loads(files))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("speed",), 1),
        (("drug", "dose"), "1 mg"),
        (("drug", "enantiomer"), "L"),
        (("drug", "name"), 5),
        (("phase",), []),
        (("phase", 0, "infuse"), 0.9),
        (("phase", 0, "infuse"), "0,9 mg/kg/h"),
        (("phase", 0, "infuse"), "0.9"),
        (("phase", 0, "infuse"), {"value": "0.9 mg/kg/h", "sauce": "table"}),
        (("phase", 0, "source"), "hearsay"),
        (("phase", 0, "bolus"), "1 mg"),
        (("phase", 0, "bounds"), {"floor": "1 mg/h"}),
        (("subject", "weight_range"), {"from": "40 kg"}),
    ],
)
def test_what_is_wrong_does_not_fit(
    path: tuple[str | int, ...], value: object, fits: Callable[[dict[str, Any]], Any]
) -> None:
    given = document("goebel-2015")
    place: Any = given
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        fits(given)


def test_every_key_says_what_it_is() -> None:
    found = schema()
    nameless = [
        f"{name}.{key}"
        for name, table in {"": found, **found["$defs"]}.items()
        for key, entry in table["properties"].items()
        if not entry.get("description") and "$ref" not in entry
    ]
    assert nameless == []
    assert "null" not in json.dumps(found)


def test_the_command_prints_it() -> None:
    done = CliRunner().invoke(app, ["protocols", "schema"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == schema()
