"""The picture of a delivery: its numbers are those of the plan."""

from pathlib import Path

import numpy as np
import pytest

from titrate import Protocol, plot
from titrate.errors import ProtocolError
from titrate.reading import parse


@pytest.mark.parametrize("name", ["sigtermans-2010", "schwartzman-2009", "kiefer-2008-anesthetic"])
def test_the_fast_volume_is_the_exact_one(name: str) -> None:
    plan = Protocol.read(name).plan()
    times_s = np.linspace(-10, float(plan.duration_s) + 10, 101)
    exact_ml = [float(plan.commanded_ml(time_s)) for time_s in times_s]
    assert plot.commanded_ml(plan, times_s) == pytest.approx(exact_ml, rel=1e-9)


@pytest.mark.parametrize("measured", [True, False])
def test_a_delivery_is_drawn(measured: bool, tmp_path: Path) -> None:
    plan = Protocol.read("sigtermans-2010").plan()
    times_s = np.arange(0.0, float(plan.duration_s) + 1)
    counted_ml = plot.commanded_ml(plan, times_s)
    series = plot.Series(times_s, counted_ml, counted_ml * 0.999 if measured else None)
    plot.plot_delivery(plan, series, tmp_path / "delivery.svg", simulated=True)
    assert "not a medical device; simulated" in (tmp_path / "delivery.svg").read_text(encoding="utf-8")


def test_a_short_delivery_is_drawn(tmp_path: Path) -> None:
    plan = Protocol.read("sigtermans-2010").plan()
    plot.plot_delivery(plan, plot.Series(np.array([0.0, 1.0]), np.zeros(2)), tmp_path / "delivery.png")
    assert (tmp_path / "delivery.png").exists()


def test_other_pictures_are_refused() -> None:
    with pytest.raises(ProtocolError, match=r"\.png or \.svg"):
        plot.plot_plan(Protocol.read("patil-2012").plan(), "plan.jpeg")


def test_a_plan_is_drawn_with_its_preview(tmp_path: Path) -> None:
    picture = tmp_path / "plan.svg"
    plot.plot_plan(Protocol.read("sigtermans-2009").plan(), picture)
    text = picture.read_text(encoding="utf-8")
    for words in (
        "preview only: 6 published models",
        "plasma, ng/mL",
        "Kamp 2020",
        "bounds for the operator",
        "37 in all",
    ):
        assert words in text


def test_a_drug_without_models_is_drawn_without_preview(tmp_path: Path) -> None:
    text = (
        '[protocol]\nname = "p"\ntitle = "P"\n[drug]\nname = "saline"\nconcentration = "1 mg/mL"\n'
        '[[phase]]\ninfuse = "1 mL/h"\nfor = "1 min"\n'
    )
    plot.plot_plan(parse(text).plan("70 kg"), tmp_path / "plan.svg")
    assert "plasma" not in (tmp_path / "plan.svg").read_text(encoding="utf-8")
