"""One record as bytes: bounded, and cut between characters."""

from hypothesis import given
from hypothesis import strategies as st

from pump.core import record


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.text(st.characters(codec="utf-8"), max_size=400))
def test_a_record_is_bounded_and_a_long_text_is_cut_between_characters(kind: str, text: str) -> None:
    data = record.pack([1, 2, kind, text], 1, 0)
    assert len(data) <= record.MOST_BYTES
    assert record.end_of(data, 0) == len(data)
    _, _, kept_kind, kept = record.entry_of(data, 0)
    for whole, part in ((kind, kept_kind), (text, kept)):
        assert part == whole or (part[-1] == "…" and whole.startswith(part[:-1]))
