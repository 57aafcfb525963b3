"""Lines in and out: whatever a wire does to them, only what was sent comes out as a message."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.framing import MAX_LINE_BYTES, OVERLONG, Deframer, decode, encode

values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), st.lists, max_leaves=5)
messages = st.dictionaries(st.text(max_size=10), values, max_size=5)


def feed_in_parts(data: bytes, cuts: list[int]) -> list[tuple[Any, str | None]]:
    deframer, found, last = Deframer(), [], 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        found += deframer.feed(data[last:cut])
        last = cut
    return found


@given(st.lists(messages, max_size=6), st.lists(st.integers(0, 10_000), max_size=8))
def test_messages_come_out_as_they_went_in_however_they_are_cut(sent: list[dict[str, Any]], cuts: list[int]) -> None:
    sent = [message for message in sent if len(encode(message)) <= MAX_LINE_BYTES]
    assert feed_in_parts(b"".join(map(encode, sent)), cuts) == [(message, None) for message in sent]


@pytest.mark.requirement("SR-LINK-08")
@given(messages, st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_line_is_never_another_message(message: dict[str, Any], at: int, flip: int) -> None:
    line = bytearray(encode(message))
    line[at % len(line)] ^= flip
    following = encode({"id": 1})
    for found, _ in feed_in_parts(bytes(line) + following, []):
        assert found in (None, message, {"id": 1})


@given(messages, st.integers(1, 200))
def test_a_truncated_line_spoils_at_most_the_next(message: dict[str, Any], cut: int) -> None:
    line = encode(message)
    rest = line[: max(len(line) - cut, 0)]
    found = feed_in_parts(rest + encode({"id": 1}) + encode({"id": 2}), [])
    assert ({"id": 2}, None) in found
    assert all(got in (None, message, {"id": 1}, {"id": 2}) for got, _ in found)


@given(st.binary(max_size=3000))
def test_rubbish_is_no_message_and_the_next_line_is_heard(rubbish: bytes) -> None:
    found = feed_in_parts(rubbish + b"\n" + encode({"id": 1}), [])
    assert found[-1] == ({"id": 1}, None)
    assert all(message is None for message, _ in found[:-1])


def test_an_overlong_line_is_dropped_up_to_its_newline() -> None:
    longest = {"x": "y" * (MAX_LINE_BYTES - len(encode({"x": ""})))}
    assert len(encode(longest)) == MAX_LINE_BYTES
    longer = {"x": longest["x"] + "y"}
    data = encode(longer) + encode(longest) + b"z" * 5000 + b"\n" + encode({"id": 1})
    for cuts in ([], list(range(0, len(data), 64)), list(range(0, len(data), 1023))):
        assert feed_in_parts(data, cuts) == [(None, OVERLONG), (longest, None), (None, OVERLONG), ({"id": 1}, None)]


@pytest.mark.parametrize("text", ["[1,2]", "7", '"x"', "{", "{}x", "nan", "[" * 900])
def test_a_good_crc_over_no_object_is_no_message(text: str) -> None:
    import binascii

    line = text.encode() + b" %08x" % binascii.crc32(text.encode())
    assert decode(line) == (None, "BAD_JSON")


def test_the_format_is_json_space_crc() -> None:
    line = encode({"id": 0, "method": "hello", "params": {}})
    assert line == b'{"id":0,"method":"hello","params":{}} 0e51743d\n'
    assert json.loads(line[:-10]) == {"id": 0, "method": "hello", "params": {}}
