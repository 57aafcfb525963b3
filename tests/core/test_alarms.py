"""The alarm table by itself: what it holds, and that it holds all that the firmware raises."""

import re

import pytest

from pump.core import alarms
from pump.core.alarms import ALARMS, NAMES
from tools import alarm_harms
from tools.traceability import ROOT

RAISED = re.compile(r"""\b(?:alarms\.)?(?:BITS|bits)\["([A-Z_]+)"\]""")


@pytest.mark.requirement("SR-ALARM-04")
def test_what_the_firmware_raises_is_in_the_table_and_all_of_the_table_is_raised() -> None:
    sources = [path for path in (ROOT / "firmware").rglob("*.py") if path.name != "alarms.py"]
    raised = {name for path in sources for name in RAISED.findall(path.read_text(encoding="utf-8"))}
    assert raised == set(NAMES)


@pytest.mark.requirement("SR-ALARM-03")
@pytest.mark.parametrize("name", NAMES)
def test_the_priority_follows_from_harm_and_onset(name: str) -> None:
    assert ALARMS[name][alarms.PRIORITY] == alarm_harms.PRIORITIES[alarm_harms.HARMS[name]]


@pytest.mark.requirement("SR-ALARM-03")
def test_a_worse_harm_or_a_sooner_one_never_has_a_lower_priority() -> None:
    """Nine cells, for alarms of this table and no others."""
    harms = list(dict.fromkeys(harm for harm, _onset in alarm_harms.PRIORITIES))  # the worst first
    onsets = list(dict.fromkeys(onset for _harm, onset in alarm_harms.PRIORITIES))  # the soonest first
    rows = [[alarm_harms.PRIORITIES[harm, onset] for onset in onsets] for harm in harms]
    assert [len(row) for row in rows] == [3, 3, 3]
    for line in (*rows, *zip(*rows, strict=True)):
        assert list(line) == sorted(line, reverse=True)
    assert set(alarm_harms.HARMS) == set(NAMES)


@pytest.mark.requirement("SR-UI-02")
@pytest.mark.parametrize("name", NAMES)
def test_the_text_names_the_cause_and_what_to_do(name: str) -> None:
    """One sentence of each, or both in one around a colon."""
    text = ALARMS[name][alarms.TEXT]
    assert text[0].isupper()
    assert text.endswith(".")
    assert len(re.split(r"[:.] ", text)) >= 2, "a cause alone"
