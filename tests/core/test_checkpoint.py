"""Checkpoints: the newest good row comes back after any cut, and what was lost is counted as delivered (D10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.devices.store import PowerCut, Store
from pump.core.checkpoint import MOST_BYTES, UNSIGNED_32, Checkpoint, worst_case

NAMES = ("steps", "infused_ms", "bolus_pl")
rows = st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=3, max_size=3)


def checkpoint(store: Store, names: tuple[str, ...] = NAMES) -> Checkpoint:
    return Checkpoint(store, "ledger", names)


@given(st.lists(rows, max_size=5))
def test_the_newest_row_comes_back(saved: list[list[int]]) -> None:
    store = Store()
    for row in saved:
        place = checkpoint(store)
        place.load()
        assert place.save(row)
    assert checkpoint(store).load() == (saved[-1] if saved else None, False)
    assert len(store.files) == min(len(saved), 2)


@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.requirement("SR-LOG-05")
@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("before", range(5))
def test_a_cut_at_every_byte_leaves_the_row_before_or_the_new_one(before: int, atomic: bool) -> None:
    size = len(checkpoint_bytes(Store(), 1))
    for cut_after in range(size):
        store = Store()
        checkpoint_bytes(store, before)
        store.atomic = atomic
        place = checkpoint(store)
        place.load()
        store.cut_after_bytes = cut_after
        with pytest.raises(PowerCut):
            place.save([-1, -2, -3])
        store.power_on()
        row, torn = checkpoint(store).load()
        assert row == ([before, 10, 20] if before else None)
        if not atomic and cut_after:
            assert torn, "a file that is neither whole nor empty says that power failed"
        place = checkpoint(store)
        place.load()
        assert place.save([7, 8, 9])
        assert checkpoint(store).load()[0] == [7, 8, 9]


def checkpoint_bytes(store: Store, count: int) -> bytes:
    place = checkpoint(store)
    for number in range(1, count + 1):
        assert place.save([number, 10, 20])
    return store.files.get("ledger0", b"")


@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.parametrize("newest", [False, True])
def test_any_flipped_bit_is_found_and_the_other_row_counts(newest: bool) -> None:
    for bit in range(8 * len(checkpoint_bytes(Store(), 1))):
        store = Store()
        checkpoint_bytes(store, 4)  # the third is in file 0, the fourth in file 1
        store.flip_bit("ledger1" if newest else "ledger0", bit)
        row, torn = checkpoint(store).load()
        assert row == [3 if newest else 4, 10, 20]
        assert torn, "which of the two was newer is not known any more"


def test_both_damaged_is_no_row_and_is_told() -> None:
    store = Store()
    checkpoint_bytes(store, 4)
    for name in ("ledger0", "ledger1"):
        store.flip_bit(name, 77)
    assert checkpoint(store).load() == (None, True)


def test_a_file_that_is_gone_is_told() -> None:
    store = Store()
    checkpoint_bytes(store, 4)
    del store.files["ledger1"]
    assert checkpoint(store).load() == ([3, 10, 20], True)


@pytest.mark.parametrize("names", [("steps", "bolus_pl", "infused_ms"), NAMES[:2], (*NAMES, "more")])
def test_a_row_under_other_names_is_not_taken(names: tuple[str, ...]) -> None:
    store = Store()
    checkpoint_bytes(store, 2)
    assert checkpoint(store, names).load() == (None, True)


@pytest.mark.requirement("SR-LOG-09")
def test_a_full_store_is_told_and_the_last_row_stays() -> None:
    store = Store()
    place = checkpoint(store)
    assert place.save([1, 2, 3])
    store.failing = True
    assert not place.save([4, 5, 6])
    assert not place.save([7, 8, 9])
    assert checkpoint(store).load() == ([1, 2, 3], False)
    store.failing = False
    assert place.save([10, 11, 12])
    assert checkpoint(store).load() == ([10, 11, 12], False)


@pytest.mark.parametrize("row", [[1, 2], [1, 2, 1 << 63], [-(1 << 63) - 1, 0, 0]])
def test_a_wrong_row_is_a_bug(row: list[int]) -> None:
    with pytest.raises(ValueError, match=r"values for|64 bits"):
        checkpoint(Store()).save(row)


def test_the_size_is_bounded() -> None:
    store = Store()
    most = (MOST_BYTES - 16) // 8
    assert Checkpoint(store, "c", ("n",) * most).save([1] * most)
    assert len(store.files["c0"]) <= MOST_BYTES
    with pytest.raises(ValueError, match="at most"):
        Checkpoint(store, "c", ("n",) * (most + 1))


def test_values_without_names_and_of_32_bits() -> None:
    store = Store()
    row = [7, 0, 0xFFFFFFFF, 1]
    assert Checkpoint(store, "c", ("a",), 3, UNSIGNED_32).save(row)
    assert len(store.files["c0"]) == 12 + 4 * 4 + 4
    assert Checkpoint(store, "c", ("a",), 3, UNSIGNED_32).load() == (row, False)
    assert Checkpoint(store, "c", ("a",), 2, UNSIGNED_32).load() == (None, True), "another row"
    for wrong in (1 << 32, -1):
        with pytest.raises(ValueError, match="32 bits"):
            Checkpoint(store, "c", ("a",), 0, UNSIGNED_32).save([wrong])


@given(rows, st.lists(st.integers(0, 10**9), min_size=3, max_size=3), st.integers(0, 2), st.booleans())
def test_the_worst_case_is_never_low(row: list[int], most: list[int], lost: int, torn: bool) -> None:
    counted = worst_case(row, most, torn)
    periods = min(lost, 2 if torn else 1)
    assert all(low + periods * bound <= high for low, bound, high in zip(row, most, counted, strict=True))
    assert counted == [value + (2 if torn else 1) * bound for value, bound in zip(row, most, strict=True)]
