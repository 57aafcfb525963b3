"""The packaged regimens against totals that were computed by hand, at 70 kg."""

from fractions import Fraction

import pytest

from titrate import Protocol, provenance
from titrate.reading import packaged

# name: (least mg/h, most mg/h, total mg, hours of delivery)
TOTALS = {
    "sheehy-2015-low": ("7", "7", "84", "12"),
    "sheehy-2015-high": ("21", "21", "504", "24"),
    "schwartzman-2009": ("24.5", "24.5", "980", "40"),
    "sigtermans-2009": ("4.9", "22.2", "1891.76", "100.8"),
    "puchalski-2016": ("105", "105", "4200", "40"),
    "sigtermans-2010": ("16.8", "126", "41.65", "35/60"),
    "correll-2004": ("10", "23.4", "2034.72", "112.8"),
    "kirkpatrick-2020": ("60", "200", "2080", "16"),
    "goebel-2015": ("63", "63", "6804", "108"),
    "dahan-2011": ("5", "20", "1250", "100"),
    "patil-2012": ("140/3", "140/3", "35", "3/4"),
    "kiefer-2008-anesthetic": ("210", "4200", "42070", "7201/60"),
    "koffler-2007": ("210", "490", "42000", "120"),
    "kiefer-2008-s-ketamine": ("25/12", "125/6", "2750", "240"),
    "goldberg-2010": ("10", "40", "4740", "120"),
}


def test_every_packaged_file_is_checked_here() -> None:
    assert packaged() == sorted(TOTALS)


@pytest.mark.parametrize("name", TOTALS)
def test_totals_at_70_kg(name: str) -> None:
    least_mg_h, most_mg_h, total_mg, hours = (Fraction(text) for text in TOTALS[name])
    protocol = Protocol.read(name)
    plan = protocol.plan("70 kg")
    flowing = [phase for phase in plan.phases if phase.kind != "pause"]
    rates_mg_h = [phase.begin_mg_kg_h * plan.weight_kg for phase in flowing]
    assert protocol.protocol.name == name
    assert plan.total_mg == total_mg
    assert (min(rates_mg_h), max(rates_mg_h)) == (least_mg_h, most_mg_h)
    assert sum(phase.end_s - phase.begin_s for phase in flowing) == hours * 3600


@pytest.mark.parametrize("name", TOTALS)
@pytest.mark.parametrize("weight", ["1 kg", "300 kg"])
def test_plans_for_any_weight(name: str, weight: str) -> None:
    assert Protocol.read(name).plan(weight).total_ml > 0


@pytest.mark.parametrize("name", TOTALS)
def test_says_where_its_numbers_come_from(name: str) -> None:
    protocol = Protocol.read(name)
    assert protocol.protocol.citation
    assert protocol.protocol.notes
    assert protocol.drug.code == name.removesuffix("-low").removesuffix("-high")
    assert protocol.protocol.contradictions or name == "puchalski-2016"
    assert all(phase.source for phase in protocol.plan("70 kg").phases if phase.kind != "pause")
    assert all(said.source or said.note for _, said in provenance.entries(protocol))


def test_schwartzman_is_mixed_for_the_subject_and_capped() -> None:
    protocol = Protocol.read("schwartzman-2009")
    session = protocol.plan("70 kg", session=1)
    assert (session.total_ml, session.total_mg, session.syringes) == (100, 98, 2)
    assert session.concentration_mg_ml == Fraction("0.98")
    heavy = protocol.plan("100 kg", session=1)
    assert heavy.total_mg == 100
    assert any("held at its cap, 25 mg/h" in warning for warning in heavy.warnings)
