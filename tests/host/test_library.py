"""Library files: what is wrong is said with its place; the packaged one allows every regimen; and how it travels."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pump.core import library as core
from pump.core.limits import check_program
from titrate import Protocol, library
from titrate.cli import app
from titrate.errors import BadFrame, ProtocolError
from titrate.library_link import download, upload
from titrate.reading import packaged

FIVE = ("hard_low", "soft_low", "typical", "soft_high", "hard_high")


def five(unit: str, *values: str) -> str:
    return "{ " + ", ".join(f'{side} = "{value} {unit}"' for side, value in zip(FIVE, values, strict=True)) + " }"


GOOD = f"""\
[[entry]]
drug = "ketamine"
code = "test"
profile = "small-volume"
version = 1
date = "2026-11-24"
author = "A. Tester"
concentration = {{ low = "0.5 mg/mL", typical = "0.98 mg/mL", high = "1 mg/mL" }}
rate = {five("mL/h", "0.1", "1", "25", "30", "50")}
dose_rate = {five("mg/kg/h", "0", "0.1", "0.35", "0.4", "0.5")}
loading = {five("mg/kg", "0", "0", "0.5", "1", "1.5")}
loading_rate = {five("mL/h", "0", "0", "84", "90", "99")}
bolus = {five("mL", "0.1", "0.2", "0.5", "1", "2")}
bolus_rate = {five("mL/h", "1", "2", "25", "50", "60")}
dose_1h = {{ soft = "0.4 mg/kg", hard = "0.5 mg/kg" }}
dose_4h = {{ soft = "1.6 mg/kg", hard = "2 mg/kg" }}
dose_24h = {{ soft = "1.6 mg/kg", hard = "none" }}
total = {{ low = "0.1 mL", high = "999 mL" }}
longest_phase = "24 h"
boluses = {{ lockout = "6 min", count = 4, window = "1 h", policy = "refuse" }}
hold = {{ rate = "0.5 mL/h", volume = "1 mL", time = "1 h" }}
near_empty = {{ volume = "1 mL", action = "hold" }}
"""


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_a_good_file_in_the_pumps_units() -> None:
    (entry,) = library.parse(GOOD).library.entries
    assert entry["concentration_ng_ml"] == 980_000
    assert entry["rate_soft_high_nl_h"] == 30_000_000
    assert entry["dose_rate_typical_ng_kg_h"] == 350_000
    assert entry["bolus_hard_low_nl"] == 100_000
    assert entry["bolus_lockout_ms"] == 360_000
    assert entry["kvo_nl_h"] == 500_000
    assert entry["dose_24h_hard_ng_kg"] == core.MOST_DOSE_NG_KG
    assert set(entry) == set(core.ENTRY)


# name: (text, where, allowed)
BAD = {
    "empty": ("", "bad.toml line 1, entry", "`entry` is needed"),
    "no TOML": ("rate: 5", "bad.toml", "TOML"),
    "no entry": ("entry = []", "entry", "at least 1"),
    "unknown table": (GOOD + "[pump]\n", "pump", "the keys entry"),
    "unknown key": (GOOD + 'colour = "red"\n', "line 23, entry[0].colour", "drug, code, profile"),
    "another name for a limit": (changed("typical = ", "usual = "), "entry[0].concentration", "`typical` is needed"),
    "unknown key of a limit": (
        changed('typical = "25 mL/h"', 'typical = "25 mL/h", mean = "1 mL/h"'),
        "entry[0].rate.mean",
        "hard_low, soft_low, typical",
    ),
    "no unit": (changed('"24 h"', "24"), "line 19, entry[0].longest_phase", "a number needs its unit"),
    "a dose for a flow": (changed('"50 mL/h"', '"50 mg/h"'), "entry[0].rate.hard_high", "mL/h"),
    "finer than the pump": (changed('"0.98 mg/mL"', '"0.9800001 mg/mL"'), "concentration.typical", "a multiple of"),
    "no such profile": (changed("small-volume", "small"), "line 4, entry[0].profile", "'small-volume' or"),
    "no such policy": (changed('"refuse"', '"ask"'), "line 20, entry[0].boluses.policy", "'refuse' or 'reduce'"),
    "out of order": (changed('"30 mL/h"', '"51 mL/h"'), "line 9, entry[0].rate.soft_high", "rate_hard_high_nl_h"),
    "windows out of order": (changed('hard = "2 mg/kg"', 'hard = "0.4 mg/kg"'), "entry[0].dose_1h.hard", "dose_4h"),
    "beyond the profile": (changed('"0.1 mL/h"', '"0.09 mL/h"'), "entry[0].rate.hard_low", "by the profile"),
    "hold too fast": (changed('"0.5 mL/h"', '"1.1 mL/h"'), "line 21, entry[0].hold.rate", "0 to 1000000"),
    "no date": (changed("2026-11-24", "2026-14-24"), "line 6, entry[0].date", "YYYY-MM-DD"),
    "a date of TOML": (changed('"2026-11-24"', "2026-11-24"), "line 6, entry[0].date", "a valid string"),
    "an author in no ASCII": (changed("A. Tester", "Ä. Tester"), "entry[0].author", "ASCII"),
    "a truth for a number": (changed("version = 1", "version = true"), "entry[0].version", "a valid integer"),
    "two of one code": (GOOD + GOOD, "line 25, entry[1].code", "a code of its own"),
}


@pytest.mark.requirement("SR-RATE-09", "SR-LIB-03")
@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_with_its_place(name: str) -> None:
    text, where, allowed = BAD[name]
    with pytest.raises(ProtocolError) as caught:
        library.parse(text, "bad.toml")
    assert "bad.toml" in caught.value.where
    assert where in caught.value.where
    assert allowed in caught.value.allowed


KEYS = [line.partition(" =")[0] for line in GOOD.splitlines()[1:]]
INNER = sorted(set(re.findall(r"[{,] (\w+) =", GOOD)))


@pytest.mark.requirement("SR-LIB-02")
@pytest.mark.parametrize("key", KEYS)
def test_a_missing_key_is_named(key: str) -> None:
    text = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(f"{key} ="))
    with pytest.raises(ProtocolError, match=f"the key `{key}` is needed"):
        library.parse(text)


@pytest.mark.requirement("SR-LIB-02")
@pytest.mark.parametrize("key", INNER)
def test_a_missing_inner_key_is_named(key: str) -> None:
    text = re.sub(rf"{key} = (\"[^\"]*\"|\d+)(, )?", "", GOOD, count=1).replace(",  }", " }")
    with pytest.raises(ProtocolError, match=f"the key `{key}` is needed"):
        library.parse(text)


def test_a_file_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ProtocolError, match="regimens"):
        library.read("nowhere.toml")


# --- the packaged library

REGIMENS = {
    "sheehy-2015", "schwartzman-2009", "sigtermans-2009", "puchalski-2016", "sigtermans-2010", "correll-2004",
    "kirkpatrick-2020", "goebel-2015", "dahan-2011", "patil-2012", "kiefer-2008-anesthetic", "koffler-2007",
    "kiefer-2008-s-ketamine", "goldberg-2010",
}  # fmt: skip

# What the default small-volume profile forbids at 70 kg, and each regimen's own entry allows.
BEYOND_THE_DEFAULT = {
    "correll-2004": {"longest_phase_ms", "total_high_nl"},
    "dahan-2011": {"longest_phase_ms", "total_high_nl"},
    "goebel-2015": {"longest_phase_ms"},
    "goldberg-2010": {"longest_phase_ms", "total_high_nl"},
    "kiefer-2008-s-ketamine": {"total_high_nl"},
    "schwartzman-2009": {"total_high_nl"},
    "sigtermans-2009": {"longest_phase_ms", "total_high_nl"},
}


def own_code(protocol: str) -> str:
    """The code of a packaged protocol's entry: its name, but the two of Sheehy share one."""
    return protocol.removesuffix("-low").removesuffix("-high")


def test_there_is_an_entry_for_each_regimen_and_a_default() -> None:
    entries = library.read("regimens").library.entries
    assert {entry["code"] for entry in entries} == REGIMENS | {"small-volume"}
    assert {own_code(name) for name in packaged()} == REGIMENS


@pytest.mark.requirement("SR-LIB-04", "SR-RATE-03", "SR-RATE-06", "SR-DOSE-01")
@pytest.mark.parametrize("name", packaged())
@pytest.mark.parametrize("weight", ["40 kg", "70 kg", "100 kg"])
def test_each_regimen_passes_its_own_entry_and_not_at_four_times_its_rate(name: str, weight: str) -> None:
    shelf = library.read("regimens").library
    header, phases = Protocol.read(name).plan(weight).program()
    entry = shelf.find(header["drug"], header["concentration_ng_ml"], own_code(name))
    assert entry
    assert entry["drug"] == "ketamine"
    assert check_program(entry, header, phases) == []
    if weight == "70 kg":
        fourfold = [[kind, ms, begin * 4, end * 4] for kind, ms, begin, end, *_bounds in phases]
        assert any(finding[1] == "hard" for finding in check_program(entry, header, fourfold))


@pytest.mark.requirement("SR-RATE-03", "SR-RATE-06", "SR-DOSE-01")
@pytest.mark.parametrize("name", packaged())
def test_the_default_forbids_what_it_must_and_nothing_else(name: str) -> None:
    file = library.read("regimens")
    header, phases = Protocol.read(name).plan("70 kg").program()
    entry = file.library.find("ketamine", header["concentration_ng_ml"], "small-volume")
    assert entry
    found = check_program(entry, header, phases)
    assert {finding[0] for finding in found} == BEYOND_THE_DEFAULT.get(name, set())
    assert {finding[1] for finding in found} <= {"hard"}
    if found:
        assert "more than the small-volume profile" in file.notes[own_code(name)].replace("longer than", "more than")


def test_every_entry_of_the_package_says_why() -> None:
    file = library.read("regimens")
    assert set(file.notes) == REGIMENS | {"small-volume"}


# --- the command


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["library", *arguments])


def test_validate_and_show_and_diff_write_one_document(tmp_path: Path) -> None:
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(GOOD + GOOD.replace('"test"', '"gone"'))
    new.write_text(changed('"25 mL/h"', '"26 mL/h"'))
    validated = json.loads(run("validate", str(new), "--json").stdout)
    shown = json.loads(run("show", str(new), "--json").stdout)
    assert validated == {"file": str(new), "valid": True, "digest": shown["digest"], "entries": 1}
    assert shown["entries"][0]["rate_typical_nl_h"] == 26_000_000
    assert json.loads(run("diff", str(old), str(new), "--json").stdout)["changes"] == [
        {"drug": "ketamine", "code": "gone", "field": None, "before": 1, "after": None},
        {"drug": "ketamine", "code": "test", "field": "rate_typical_nl_h", "before": 25_000_000, "after": 26_000_000},
    ]
    assert "ketamine test: rate_typical_nl_h: 25000000 > 26000000" in run("diff", str(old), str(new)).stdout
    assert "no difference" in run("diff", str(old), str(old)).stdout
    assert "1 entries" in run("validate", str(new)).stdout
    assert "schwartzman-2009" in run("show", "regimens").stdout


def test_a_bad_file_is_exit_2_with_file_and_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(changed('"30 mL/h"', '"51 mL/h"'))
    result = run("validate", str(bad), "--json")
    assert result.exit_code == 2
    assert "line 9, entry[0].rate.soft_high" in result.stderr
    assert json.loads(result.stdout)["error"]["kind"] == "ProtocolError"


@pytest.mark.parametrize("arguments", [["show"], ["show", "regimens", "--port", "sim://"]])
def test_show_takes_a_file_or_a_port(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("command", ["validate", "show", "diff", "upload"])
def test_every_command_of_the_group_takes_json(command: str) -> None:
    assert "--json" in CliRunner().invoke(app, ["library", command, "--help"], env={"COLUMNS": "200"}).stdout


# --- over the link


class Shelf:
    """What a pump does with the three messages, with nothing around it."""

    def __init__(self) -> None:
        self.library = core.Library([])
        self.coming: core.Incoming | None = None
        self.lie: dict[str, Any] = {}
        self.claim: str | None = None

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        if method == "library_load":
            if params["index"] == 0 and params["first"] == 0:
                self.coming = core.Incoming(params["count"])
            assert self.coming
            fields = self.coming.add(params["index"], params["first"], params["fields"])
            return {"fields": fields | self.lie}
        if method == "library_confirm":
            assert self.coming
            self.library = self.coming.accepted(params["digest"])
            return {"digest": self.library.digest}
        entries = self.library.entries
        fields = core.part(entries[params["index"]], params["first"]) if params["index"] < len(entries) else {}
        return {"count": len(entries), "digest": self.claim or self.library.digest, "fields": fields}


@pytest.mark.requirement("SR-LIB-01", "SR-LIB-11")
def test_a_library_goes_into_a_pump_and_comes_back_the_same() -> None:
    shelf, file = Shelf(), library.read("regimens").library
    assert download(shelf).entries == []  # type: ignore[arg-type]  # a pump as far as these functions know it
    assert upload(shelf, file) == file.digest  # type: ignore[arg-type]
    assert shelf.library.entries == file.entries
    back = download(shelf)  # type: ignore[arg-type]
    assert back.digest == file.digest
    assert library.differences(file, back) == []


def test_a_part_that_is_read_back_otherwise_stops_the_upload() -> None:
    shelf, file = Shelf(), library.read("regimens").library
    shelf.lie = {"version": 9}
    with pytest.raises(BadFrame, match="read back"):
        upload(shelf, file)  # type: ignore[arg-type]
    assert shelf.library.entries == []


def test_a_library_whose_digest_differs_from_what_was_read_is_refused() -> None:
    shelf = Shelf()
    shelf.library = library.parse(GOOD).library
    shelf.claim = "0" * 64
    with pytest.raises(BadFrame, match="digest"):
        download(shelf)  # type: ignore[arg-type]
    shelf.library.entries[0]["version"] = 0
    with pytest.raises(BadFrame, match="version"):
        download(shelf)  # type: ignore[arg-type]
