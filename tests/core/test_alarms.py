"""The alarm table by itself: what it holds, and that it holds all that the firmware raises."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core import alarms
from pump.core.alarms import ALARMS, BITS, NAMES
from tools import alarm_harms
from tools.traceability import ROOT

# The rate of each row, written by hand: off until a power cycle, off, the hold rate; every other one leaves it alone.
FOR_GOOD, OFF, KVO, KEPT = range(4)
RATES = dict.fromkeys(NAMES, KEPT)
RATES |= dict.fromkeys(("MOTOR_FAULT", "SELF_TEST_FAILED"), FOR_GOOD)
RATES |= dict.fromkeys(("DOSE_LIMIT", "RESERVOIR_LOW"), KVO)
RATES |= dict.fromkeys(
    (
        *("OVER_DELIVERY", "GUARD_OPEN", "OCCLUSION", "LINE_DISCONNECTED", "UPSTREAM_OCCLUSION", "AIR_IN_LINE"),
        *("SYRINGE_EMPTY", "SYRINGE_MISSING", "SENSOR_FAULT", "OVERHEATED", "REPEATED_ALARM", "BATTERY_DEPLETED"),
        *("SUPPLY_HIGH", "MEMORY_FAULT", "WATCHDOG_RESET", "POWER_INTERRUPTED", "FILLING_FAILED"),
    ),
    OFF,
)
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


@pytest.mark.requirement("SR-ALARM-05", "SR-ALARM-08")
@pytest.mark.parametrize("name", NAMES)
def test_the_rate_of_each_row_is_the_one_written_by_hand(name: str) -> None:
    wanted = (alarms.STOP_FOR_GOOD, alarms.STOP, alarms.HOLD, alarms.KEEP)
    assert ALARMS[name][alarms.EFFECT] == wanted[RATES[name]]


@pytest.mark.requirement("SR-ALARM-02")
def test_each_alarm_has_a_code_of_its_own() -> None:
    assert len(NAMES) == len(ALARMS)
    for name in NAMES:
        assert BITS[name].bit_count() == 1
        assert alarms.named(BITS[name]) == [name]


@pytest.mark.requirement("SR-ALARM-06")
@given(st.sets(st.sampled_from(NAMES)))
def test_of_any_alarms_the_lowest_rate_and_the_highest_priority_count(names: set[str]) -> None:
    bits = sum(BITS[name] for name in names)
    assert alarms.lowest_effect(bits) == min((RATES[name] for name in names), default=KEPT)
    assert alarms.highest_priority(bits) == max((ALARMS[name][alarms.PRIORITY] for name in names), default=0)
