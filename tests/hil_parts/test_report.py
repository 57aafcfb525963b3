"""The report: everything in one page and in results.json, nothing from the network, simulated figures marked."""

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hil.figures import Figure
from hil.flow import trumpet
from hil.plots import pressure_plot, start_up_plot, trumpet_plot
from hil.report import Instrument, Outcome, Record, as_json, as_page, git_revision, write
from titrate import page

SINE = [5 * (1 + 0.03 * math.sin(2 * math.pi * 0.5 * i / 4)) for i in range(120)]


@pytest.fixture
def record() -> Record:
    curve = trumpet(SINE, 5)
    return Record(
        target="sim",
        simulated=True,
        firmware="ab" * 32,
        board="pico",
        syringe="bd-plastipak-50",
        seed=7,
        date="2026-11-24T12:00:00+00:00",
        revision="0123456789ab",
        environment={"room": "21.5 °C"},
        instruments=[Instrument("balance mt-sics", "SIM-0001", True), Instrument("thermometer <T>", "42", False)],
        figures=[
            Figure("Ep, P = 2 min, 5 mL/h", curve[0][2], "%", -5, 5, True, "sim", "SR-ACC-01", "test_flow"),
            Figure("released bolus", 190.0, "µL", high=200, target="sim"),
            Figure("alarm latency", math.nan, "s", high=10, target="sim"),
            Figure("room", 21.5, "°C", simulated=False, target="sim"),
        ],
        tests=[
            Outcome("tests/hil/test_flow.py::test_a[sim]", "passed", 1.25),
            Outcome("tests/hil/test_flow.py::test_b[sim]", "skipped", 0, "balance: no table [balance]"),
            Outcome("tests/hil/test_flow.py::test_c[sim]", "failed", 2, "Ep 6 % <script>alert(1)</script>"),
        ],
        pictures=[
            (trumpet_plot({"5 mL/h": curve}, {"5 mL/h": 0.0}, True), "Trumpet at 5 mL/h"),
            (start_up_plot(SINE, 5, True), "Start-up"),
            (pressure_plot([0, 1, 2], [0, 20, 40], {"closed": 0.5, "alarm": 1.5}, True), 'Pressure, "closed" & alarm'),
        ],
        series={"weights": ([0.0, 30.0], [0.0, 0.0416], [True, False])},
    )


class Balanced(HTMLParser):
    """Fails at the first tag that closes what is not open."""

    VOID = ("meta", "link", "br", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "tr" in self.open:
            self.rows[-1] += f" {' '.join(data.split())}"


def test_one_page_holds_it_all_and_loads_nothing(record: Record) -> None:
    text = as_page(record)
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    loads = re.findall(r'(?:src|href)="([^"]*)"', text) + re.findall(r"url\(([^)]*)\)", text)
    assert all(address.startswith("#") for address in loads)
    assert "@import" not in text
    assert "<script" not in text
    assert "not a medical device" in text
    assert text.count("<svg") == 3
    for word in ("SR-ACC-01", "ab" * 32, "0123456789ab", "21.5 °C", "&lt;script&gt;", "no conformity is claimed"):
        assert word in text


def test_every_simulated_figure_says_so_in_its_line(record: Record) -> None:
    parser = Balanced()
    parser.feed(as_page(record))
    (ep,) = [row for row in parser.rows if "Ep, P = 2 min" in row]
    for word in ("1.811 %", "simulated", "±5 %", "3.19 %", "✓ pass", "sim"):
        assert word in ep
    (bolus,) = [row for row in parser.rows if "released bolus" in row]
    assert "△ marginal" in bolus
    (room,) = [row for row in parser.rows if " room" in row]
    assert "measured" in room
    assert "simulated" not in room
    (missing,) = [row for row in parser.rows if "alarm latency" in row]
    assert "✗ fail" in missing


def test_the_same_record_gives_the_same_bytes(record: Record) -> None:
    assert as_page(record) == as_page(record)


def test_results_json_and_raw_csv(record: Record, tmp_path: Path) -> None:
    assert write(record, tmp_path / "run").name == "report.html"
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["passed"] is False
    assert results["figures"][2]["value"] is None
    assert results["figures"][0] | {"unit": "%", "low": -5, "simulated": True} == results["figures"][0]
    assert results["instruments"][0]["serial_number"] == "SIM-0001"
    assert results["raw"] == ["weights.csv"]
    lines = (tmp_path / "run" / "weights.csv").read_text().splitlines()
    assert lines == ["time_s,grams,stable", "0.000,0.00000,1", "30.000,0.04160,0"]


def test_an_empty_run_is_a_page_too() -> None:
    empty = Record("sim", True, "", "pico", "bd-plastipak-50", None)
    assert "none were measured" in as_page(empty)
    assert as_json(empty)["passed"] is True


def test_numbers_for_reading() -> None:
    assert [page.number(value) for value in (-0.25, 1234567.0, 0.00001234, None, math.nan, math.inf)] == [
        "−0.25",
        "1234567",
        "1.234e−05",
        "–",
        "–",
        "∞",
    ]


def test_the_revision_is_asked_of_git(tmp_path: Path) -> None:
    assert git_revision(tmp_path) == "unknown" or len(git_revision(tmp_path)) >= 7
