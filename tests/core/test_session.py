"""Requests in order, each acted on once; what is not a request of the table never reaches the controller."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core import wire
from pump.core.session import Session, checked

Message = dict[str, Any]
SAMPLE: dict[type, Any] = {str: "x", int: 1, bool: True, dict: {}, list: []}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
methods = st.sampled_from(sorted(wire.METHODS))


def good(number: int, method: str) -> Message:
    """A request of the right form."""
    params = {name: SAMPLE[kind] for name, kind in wire.METHODS[method][1].items()}
    return {"id": number, "method": method, "params": params}


class Recorder:
    """Stands in for Controller.act: keeps what reached it, and answers each call differently."""

    def __init__(self, refuses: bool = False) -> None:
        self.calls: list[tuple[str, Message]] = []
        self.refuses = refuses

    def act(self, method: str, params: Message) -> tuple[Message | None, tuple[int, str] | None]:
        self.calls.append((method, params))
        if self.refuses:
            return None, (wire.NOT_IN_STATE, f"refusal {len(self.calls)}")
        return {"call": len(self.calls)}, None


def error_code(reply: Message | None) -> int | None:
    assert reply is not None
    code: int | None = reply.get("error", {}).get("code")
    return code


@pytest.mark.requirement("SR-LINK-09")
@given(st.lists(methods, min_size=1, max_size=8), st.lists(st.integers(1, 4), min_size=8, max_size=8), st.booleans())
def test_each_request_acts_once_however_often_it_comes(asked: list[str], times: list[int], refuses: bool) -> None:
    session, recorder = Session(), Recorder(refuses)
    for number, (method, repeats) in enumerate(zip(asked, times, strict=False)):
        replies = [session.answer(copy.deepcopy(good(number, method)), recorder.act) for _ in range(repeats)]
        assert all(reply == replies[0] for reply in replies)
        assert replies[0] is not None
        assert replies[0]["id"] == number
    assert [method for method, _ in recorder.calls] == asked


@given(methods, st.integers(-2, 40))
def test_an_id_that_is_not_the_next_is_refused_but_for_hello_and_stop(method: str, number: int) -> None:
    session, recorder = Session(), Recorder()
    for last in range(5):
        session.answer(good(last, "heartbeat"), recorder.act)
    recorder.calls.clear()
    reply = session.answer(good(number, method), recorder.act)
    if number < 0:
        assert (reply, recorder.calls) == (None, [])
    elif number == 5 or method in ("hello", "stop"):
        assert [called for called, _ in recorder.calls] == [method]
    elif number == 4 and method == "heartbeat":
        assert reply == {"id": 4, "result": {"call": 5}}
        assert recorder.calls == []
    else:
        assert error_code(reply) == wire.REPLAYED
        assert recorder.calls == []


@pytest.mark.requirement("SR-LINK-09")
def test_a_used_id_with_other_content_is_no_repetition() -> None:
    session, recorder = Session(), Recorder()
    first = good(0, "bolus")
    session.answer(first, recorder.act)
    other = {**first, "params": {"volume_nl": 2, "duration_ms": 1}}
    assert error_code(session.answer(other, recorder.act)) == wire.REPLAYED
    assert len(recorder.calls) == 1


@given(st.dictionaries(st.sampled_from(["id", "method", "params", "result", "error", "x"]), anything))
def test_nonsense_never_acts_and_never_raises(message: Message) -> None:
    session, recorder = Session(), Recorder()
    reply = session.answer(message, recorder.act)
    if recorder.calls:
        assert checked(message) is None
    number = message.get("id")
    if type(number) is not int or number < 0:
        assert reply is None
    elif reply is not None:
        assert reply["id"] == number


@pytest.mark.parametrize("method", sorted(wire.METHODS))
def test_every_parameter_must_be_there_and_of_its_type_and_nothing_else(method: str) -> None:
    right = good(0, method)
    assert checked(right) is None
    wrong: list[Any] = [None, [], "x", 1, {**right["params"], "extra": 1}]
    for name in right["params"]:
        wrong.append({key: value for key, value in right["params"].items() if key != name})
        values = [
            value for value in (None, True, 1.0, 1, "x", [], {}) if type(value) is not wire.METHODS[method][1][name]
        ]
        wrong += [{**right["params"], name: value} for value in values]
    for params in wrong:
        found = checked({**right, "params": params})
        assert found is not None
        assert found[0] == wire.WRONG_PARAMETERS, params


def test_params_may_be_left_out_where_there_are_none() -> None:
    assert checked({"id": 0, "method": "stop"}) is None
    assert checked({"id": 0, "method": "bolus"}) is not None


def test_a_new_session_begins_at_any_id() -> None:
    session, recorder = Session(), Recorder()
    session.answer(good(70, "hello"), recorder.act)
    assert error_code(session.answer(good(71, "pause"), recorder.act)) is None
    session.answer(good(0, "hello"), recorder.act)
    assert error_code(session.answer(good(72, "pause"), recorder.act)) == wire.REPLAYED
    assert error_code(session.answer(good(1, "pause"), recorder.act)) is None
