"""titrate protocols: list, show, new, validate, schema; documents, exit codes, and that what is written reads back."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from titrate import Protocol
from titrate.cli import app
from titrate.cli.protocols import completed
from titrate.reading import SECTIONS, packaged, parse


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["protocols", *arguments], env={"COLUMNS": "160"})


def test_the_list_has_title_basis_duration_and_totals() -> None:
    entries = {entry["name"]: entry for entry in json.loads(run("--json", "--weight", "60 kg").stdout)["protocols"]}
    assert sorted(entries) == packaged()
    assert entries["dahan-2011"]["basis"] == "mg/h/70kg"
    assert entries["kiefer-2008-anesthetic"]["basis"] == "mg/kg over 60 s, mg/kg/h"
    assert entries["schwartzman-2009"]["total_mg"] == 840
    assert entries["schwartzman-2009"]["duration_s"] == 220 * 3600
    assert entries["schwartzman-2009"]["flowing_s"] == 40 * 3600
    told = run().stdout
    assert all(name in told for name in packaged())
    assert "mg/kg over 5 min" in told
    assert "9 d 4 h" in told


@pytest.mark.parametrize("name", packaged())
def test_every_packaged_protocol_is_told(name: str) -> None:
    document = json.loads(run("show", name, "--json").stdout)
    headings = [section["heading"] for section in document["sections"]]
    assert {"What is given", "In all", "What no study states", "Notes"} <= set(headings)
    told = run("show", name).stdout
    assert document["citation"] in told
    assert "\x1b" not in told
    assert all(line == line.rstrip() for line in told.splitlines())


def test_a_protocol_in_sentences() -> None:
    told = run("show", "schwartzman-2009", "--weight", "100 kg").stdout
    assert "mixed for each subject so that the first infusion flows at 25 mL/h: 1 mg/mL for 100 kg" in told
    assert "10 times, a new start every 24 h:" in told
    assert "Infuse 0.35 mg/kg/h for 4 h, at most 25 mg/h: 25 mg/h, 25 mL/h." in told
    assert "1000 mg in 1000 mL over 9 d 4 h, 40 h of it flowing, for 100 kg; 20 x BD Plastipak 50 mL." in told
    assert "phase[0].phase[0].cap = 25 mg/h: primary, in the registry entry" in told


def test_every_kind_of_phase_is_told(tmp_path: Path) -> None:
    file = tmp_path / "all.toml"
    file.write_text(
        '[protocol]\nname = "p"\ntitle = "P"\n[drug]\nname = "k"\nenantiomer = "R"\nconcentration = "1 mg/mL"\n'
        '[subject]\nweight_range = { from = "40 kg", to = "60 kg" }\n[limits]\ndose_24h = "900 mg"\n'
        '[demand]\nbolus = "1 mg"\nover = "1 min"\nlockout = "15 min"\n'
        '[[phase]]\ninfuse = "2 mg/h"\ndose = "4 mg"\n'
        '[[phase]]\nramp = { from = "4 mg/h", to = "2 mg/h" }\nfor = "1 h"\n'
        '[[phase]]\nstaircase = { from = "1 mg/h", to = "40 mg/h", step = "1 mg/h" }\neach = "1 min"\n'
        '[[phase]]\nbolus = "5 mg"\nrate = "60 mL/h"\ncap = "4 mg"\n'
        '[[phase]]\npause = "90 s"\n'
        '[[phase]]\nrepeat = 1\n[[phase.phase]]\ninfuse = "1 mg/h"\nfor = "1 h"\n'
        'bounds = { floor = "0 mg/h", ceiling = "2 mg/h" }\n',
        encoding="utf-8",
    )
    told = run("show", str(file)).stdout
    for sentence in (
        "The drug is R(-)-k, 1 mg/mL for 40 kg.",
        "It is for subjects who weigh 40 kg to 60 kg.",
        "1. Infuse 2 mg/h until 4 mg are in: 2 mg/h, 2 mL/h.",
        "2. Fall from 4 mg/h to 2 mg/h in a straight line within 1 h: 4, 2 mL/h.",
        "3. From 1 mg/h to 40 mg/h in steps of 1 mg/h, 1 min each: 1, 2, 3, …, 40 mL/h.",
        "4. Give 5 mg at 60 mL/h, at most 4 mg: 4 mg, 60 mg/h, 60 mL/h.",
        "5. Wait for 90 s.",
        "6. Once, one after the other:",
        "1. Infuse 1 mg/h for 1 h: 1 mg/h, 1 mL/h. An operator may set 0 mg/h to 2 mg/h.",
        "On request 1 mg in 1 min, and no more for 15 min after its end",
        "Limit: dose 24h 900 mg.",
    ):
        assert sentence in told


@pytest.mark.parametrize("name", packaged())
def test_what_show_writes_as_toml_reads_back_equal(name: str) -> None:
    done = run("show", name, "--toml")
    assert done.exit_code == 0
    assert parse(done.stdout, "shown.toml") == Protocol.read(name)


def test_new_writes_a_file_that_is_valid_and_reads_back_equal(tmp_path: Path) -> None:
    file = tmp_path / "my study.toml"
    done = run("new", str(file), "--json")
    assert json.loads(done.stdout) == {"file": str(file), "name": "my-study"}
    assert run("validate", str(file)).exit_code == 0
    written = Protocol.read(file)
    assert written.plan().total_mg == 7
    assert parse(written.toml(), "again.toml") == written
    assert run("new", str(file)).exit_code == 2
    assert run("new", str(file), "--force").exit_code == 0


def test_the_new_file_explains_every_key(tmp_path: Path) -> None:
    from titrate import phases

    run("new", str(tmp_path / "new.toml"))
    text = (tmp_path / "new.toml").read_text(encoding="utf-8")
    models = [*SECTIONS.values(), *phases.PHASES.values()]
    keys = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert sorted(key for key in keys if key not in text) == []


def test_everything_in_the_new_file_is_valid_without_its_comment_signs(tmp_path: Path) -> None:
    """Each key that is commented out can be used as it stands, but for those that exclude each other."""
    run("new", str(tmp_path / "new.toml"))
    lines = (tmp_path / "new.toml").read_text(encoding="utf-8").splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith("[protocol]"))
    told = [line for line in lines[begin:] if not line.startswith(("# mixed_for", "# rate =", "# What flows"))]
    read = parse("\n".join(line.removeprefix("#").removeprefix(" ") if line[:2] == "# " else line for line in told))
    assert [type(phase).__name__ for phase in read.phase] == [
        "Infuse", "Bolus", "Ramp", "Staircase", "Pause", "Repeat",
    ]  # fmt: skip
    assert read.demand
    assert read.limits.dose_24h
    assert read.plan().total_mg > 0


@pytest.mark.parametrize("where", ["nowhere/new.toml", "."])
def test_new_says_why_it_cannot_write(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("new", where, "--force")
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    assert len(done.stderr.strip().splitlines()) == 1


def test_validate_says_what_there_is(tmp_path: Path) -> None:
    document = json.loads(run("validate", "sheehy-2015-low", "--json").stdout)
    assert document["valid"] is True
    assert (document["name"], document["phases"], document["total_mg"]) == ("sheehy-2015-low", 5, 84)
    file = tmp_path / "no-weight.toml"
    file.write_text(
        '[protocol]\nname = "p"\ntitle = "P"\n[drug]\nname = "k"\nconcentration = "1 mg/mL"\n'
        '[subject]\nweight_range = { from = "3 kg", to = "5 kg" }\n[[phase]]\ninfuse = "1 mg/kg/h"\nfor = "1 h"\n',
        encoding="utf-8",
    )
    assert "no-weight.toml is valid: p, 1 phase, 3 mg in 3 mL for 3 kg" in run("validate", str(file)).stdout
    refused = run("validate", str(file), "--weight", "70 kg", "--json")
    assert refused.exit_code == 2
    assert "3 kg to 5 kg, by subject.weight_range on line 8" in json.loads(refused.stdout)["error"]["message"]


def test_ages_are_checked() -> None:
    assert run("validate", "sheehy-2015-low", "--age", "13 years").exit_code == 0
    done = run("validate", "sheehy-2015-low", "--age", "35 years")
    assert done.exit_code == 2
    assert "12 years to 17 years, by subject.age_range" in done.stderr


def test_completion_offers_names_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sheep.toml").touch()
    assert completed("shee") == ["sheehy-2015-high", "sheehy-2015-low", "sheep.toml"]
    assert completed(f"{tmp_path}/") == [str(tmp_path / "sheep.toml")]
    assert completed("nowhere/x") == []
