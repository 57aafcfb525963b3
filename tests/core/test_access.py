"""Who may ask for what, by access.py alone: sessions, passphrases, and the lock that only a hand at the pump opens."""

import hashlib
from typing import Any

import pytest

from pump.core import wire
from pump.core.access import Access, digest_of
from pump.core.program import Refusal

OURS = wire.table_digest()
MOVE = ("LOAD", "CONFIRM", "START", "RESUME", "BOLUS", "ADJUST", "PRIME", "REFILL")
LOCK_MS, MAINTENANCE_MS = 60_000, 600_000


def ada() -> dict[str, list[str | int]]:
    """One operator, who is an administrator."""
    return {"ada": ["salt", digest_of("salt", "engine"), 1]}


def code(access: Access, command: str) -> int | None:
    """With which a command is refused, or None where it is not."""
    try:
        access.check(command)
    except Refusal as refusal:
        return refusal.code
    return None


def opens(access: Access, name: str = "bench", passphrase: str = "", table: str = OURS) -> int | None:
    """With which code no session is opened, or None where one is."""
    try:
        access.sign_in(name, passphrase, "rat 7", table)
    except Refusal as refusal:
        assert not access.operator
        return refusal.code
    assert access.operator == name
    return None


@pytest.mark.requirement("SR-LINK-10")
@pytest.mark.parametrize("table", ["", "0" * 16, OURS[:-1], OURS + "0"])
def test_a_host_of_other_tables_gets_no_session_and_nothing_that_moves(table: str) -> None:
    access = Access({})
    assert opens(access) is None
    access.hear()
    assert [code(access, command) for command in MOVE] == [None] * len(MOVE)
    assert opens(access, table=table) == wire.DIGEST_DIFFERS
    assert [code(access, command) for command in MOVE] == [wire.NO_SESSION] * len(MOVE)


@pytest.mark.requirement("SR-LINK-10")
@pytest.mark.parametrize("name", ["METHODS", "NOTIFICATIONS", "STATUS", "PROGRAM", "SETTINGS", "CALIBRATION", "ERRORS"])
def test_tables_that_differ_in_one_row_have_another_digest(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table: dict[Any, Any] = getattr(wire, name)
    monkeypatch.setattr(wire, name, dict(list(table.items())[:-1]))
    assert wire.table_digest() != OURS


@pytest.mark.requirement("SR-AUTH-02")
def test_a_session_without_a_request_ends_after_three_minutes_and_says_so() -> None:
    access = Access({})
    opens(access)
    assert access.second(179_999, waiting=True) == ""
    assert code(access, "FIT_SYRINGE") is None, "which is a request: the time begins anew"
    assert access.second(179_999, waiting=True) == ""
    assert access.second(1, waiting=True) == "bench: closed, nothing was asked for 180 s"
    assert code(access, "FIT_SYRINGE") == wire.NO_SESSION
    assert access.second(10**6, waiting=True) == "", "once"


@pytest.mark.requirement("SR-AUTH-02")
def test_a_session_outlasts_a_run_and_has_its_three_minutes_behind_it() -> None:
    access = Access({})
    opens(access)
    access.second(100_000, waiting=True)
    assert access.second(10**8, waiting=False) == ""
    assert access.second(179_999, waiting=True) == ""
    assert access.operator == "bench"
    assert access.second(1, waiting=True)
    assert not access.operator


@pytest.mark.requirement("SR-AUTH-05")
def test_what_is_recorded_of_a_passphrase_is_a_hash_with_its_salt() -> None:
    assert digest_of("salt", "engine") == hashlib.sha256(b"saltengine").hexdigest()
    assert digest_of("other", "engine") != digest_of("salt", "engine")
    access = Access(ada())
    wrong = [("ada", ""), ("ada", "Engine"), ("ada", "engine "), ("bench", ""), ("eve", "engine")]
    for name, passphrase in wrong[:4]:
        assert opens(access, name, passphrase) == wire.NO_SESSION
    assert opens(access, "ada", "engine") is None
    assert opens(access, *wrong[4]) == wire.NO_SESSION


@pytest.mark.requirement("SR-AUTH-05")
def test_the_fifth_wrong_passphrase_shuts_everybody_out_for_a_minute() -> None:
    access = Access(ada())
    for _ in range(2):
        for _ in range(4):
            assert opens(access, "ada", "motor") == wire.NO_SESSION
        assert opens(access, "ada", "engine") is None, "after four it opens, and they are counted anew"
    for _ in range(5):
        assert opens(access, "ada", "motor") == wire.NO_SESSION
    assert opens(access, "ada", "engine") == wire.NO_SESSION
    access.second(LOCK_MS - 1, waiting=True)
    assert opens(access, "ada", "engine") == wire.NO_SESSION
    access.second(1, waiting=True)
    assert opens(access, "ada", "engine") is None


@pytest.mark.requirement("SR-LIB-12", "SR-AUTH-05")
def test_to_set_the_pump_up_takes_an_administrator() -> None:
    access = Access(ada() | {"tom": ["pepper", digest_of("pepper", "bench"), 0]})
    access.hear()
    access.maintain()
    assert opens(access, "tom", "bench") is None
    assert code(access, "LOAD") is None
    assert code(access, "CONFIGURE") == wire.NOT_ALLOWED
    assert opens(access, "ada", "engine") is None
    assert code(access, "CONFIGURE") is None
    access.sign_out()
    assert code(access, "CONFIGURE") == wire.NO_SESSION


@pytest.mark.requirement("SR-AUTH-07")
def test_a_hand_at_the_pump_lets_it_be_set_up_for_ten_minutes() -> None:
    access = Access({})
    opens(access)
    assert code(access, "CONFIGURE") == wire.NO_MAINTENANCE
    access.maintain()
    assert access.second(MAINTENANCE_MS - 1, waiting=False) == ""
    assert code(access, "CONFIGURE") is None
    assert access.second(1, waiting=False) == "maintenance is over"
    assert code(access, "CONFIGURE") == wire.NO_MAINTENANCE


@pytest.mark.requirement("SR-UI-11")
def test_a_session_names_its_run_and_says_whether_that_is_a_new_one() -> None:
    access = Access({})
    for label in ("", "x" * 41, "rat\n7", "ratte ä"):
        with pytest.raises(Refusal, match="label: must name the run"):
            access.sign_in("bench", "", label, OURS)
        assert not access.operator
    told = [access.sign_in("bench", "", label, OURS) for label in ("rat 7", "rat 7", "x" * 40)]
    assert told == ["bench begins run rat 7", "bench goes on with run rat 7", f"bench begins run {'x' * 40}"]
