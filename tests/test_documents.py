"""Requirements that a document meets: the pages say it, and so do the pump's greeting and the host's help."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hil.bench import open_bench
from titrate.cli import app

ROOT = Path(__file__).resolve().parents[1]
NEVER = "not for use on people or animals"


def words(page: str) -> str:
    """A page in one line."""
    return " ".join((ROOT / page).read_text(encoding="utf-8").split())


def section(title: str) -> str:
    """A section of the building guide, in one line."""
    _, _, rest = words("docs/building.md").partition(f"## {title} ")
    assert rest, title
    return rest.partition(" ## ")[0]


@pytest.mark.requirement("SR-DOC-01")
@pytest.mark.parametrize(
    "page", ["README.md", "boards/pico/README.md", "docs/safety.md", "docs/link.md", "docs/a-dose.md"]
)
def test_every_manual_says_what_this_is_not_in_its_first_lines(page: str) -> None:
    assert NEVER in words(page)[:900]


@pytest.mark.requirement("SR-DOC-01")
def test_the_pumps_greeting_says_so_too() -> None:
    with open_bench("sim://") as bench:
        assert NEVER in bench.pump.request("hello")["notice"]


@pytest.mark.requirement("SR-DOC-01")
def test_the_hosts_help_says_so_too() -> None:
    said = " ".join(CliRunner().invoke(app, ["--help"]).stdout.replace("│", " ").split())
    assert "never for use on people or animals" in said


@pytest.mark.requirement("SR-DOC-01")
@pytest.mark.parametrize("known", ["pulses", "stop key", "lost host", "power cut", "run out by itself"])
def test_the_guide_says_what_to_know_before_use(known: str) -> None:
    assert known in section("Before you use it")


@pytest.mark.requirement("SR-MECH-06")
@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Cleaning", "isopropyl alcohol of 70 %"),
        ("Cleaning", "not disinfection"),
        ("Mounting", "stands firmly"),
        ("Mounting", "Break every edge"),
        ("After a fall, a flood or a repair", "Take it out of use"),
    ],
)
def test_the_guide_covers_cleaning_mounting_edges_and_falls(title: str, said: str) -> None:
    assert said in section(title)


@pytest.mark.requirement("SR-HW-02")
def test_the_guide_covers_static() -> None:
    assert "through a pin" in section("Static")


@pytest.mark.requirement("SR-ENV-01")
def test_the_guide_gives_the_span_of_temperature() -> None:
    assert "5 to 50 °C" in section("Mounting")


@pytest.mark.requirement("SR-SAFE-02")
def test_the_guide_lists_single_failures_and_those_that_the_pump_does_not_see() -> None:
    table = [row for row in section("When one thing fails").split(" | ") if "not seen by the pump" in row]
    assert len(table) == 3
