"""Raw lines to the pump, past the client: nothing acts on a bad line, limits hold, it goes on answering."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.bench import Bench, open_bench
from pump.core import framing, wire
from pump.core.controller import Controller
from pump.core.states import STATES
from tests.programs import SYRINGE, Oracle, flat, header, sign_in


class Raw:
    """A host without manners: it sends what it likes and returns every reply."""

    def __init__(self) -> None:
        self.bench: Bench = open_bench("sim://")
        self.deframer = framing.Deframer()
        self.number = 0
        self.ask("hello")
        sign_in(self.controller)

    def send(self, data: bytes) -> list[dict[str, Any]]:
        self.bench.target.write(data)
        self.bench.run_for(0.3)
        target = self.bench.target
        found = self.deframer.feed(target.read(target.available()))
        assert all(message is not None for message, _ in found), "the pump sent a bad line"
        return [message for message, _ in found if message and "id" in message]

    def request(self, message: dict[str, Any]) -> dict[str, Any]:
        replies = self.send(framing.encode(message))
        assert len(replies) == 1
        return replies[0]

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        reply = self.request({"id": self.number, "method": method, "params": params})
        self.number += 1
        return reply

    @property
    def controller(self) -> Controller:
        controller: Controller = self.bench.target.app.controller  # type: ignore[attr-defined]
        return controller

    @property
    def state(self) -> str:
        return self.controller.state

    def start(self, ml_h: float = 25, seconds: float = 600) -> None:
        phases = flat(ml_h, seconds)
        self.ask("syringe", syringe=SYRINGE, fill_nl=50_000_000)
        digest = self.ask("load", program=header(phases), first=0, phases=phases)["result"]["digest"]
        self.ask("confirm", digest=digest, overrides=[])
        self.ask("start")
        assert self.state == "INFUSING"


def code(reply: dict[str, Any]) -> int | None:
    number: int | None = reply.get("error", {}).get("code")
    return number


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=200) | st.just(b"\n") | st.just(b"stop\n"), max_size=8))
def test_rubbish_moves_nothing_and_the_pump_still_stops(parts: list[bytes]) -> None:
    raw = Raw()
    raw.start()
    for part in parts:
        raw.send(part)
    raw.send(b"\n")
    assert raw.state == "INFUSING"
    assert "result" in raw.ask("stop")
    assert raw.state == "IDLE"


@pytest.mark.requirement("SR-LINK-08")
@settings(max_examples=60)
@given(st.data())
def test_a_flipped_bit_in_any_command_is_not_acted_on(data: st.DataObject) -> None:
    raw = Raw()
    raw.start()
    method = data.draw(st.sampled_from(["stop", "pause", "bolus"]))
    params = {"volume_nl": 100_000, "duration_ms": 10_000, "overrides": []} if method == "bolus" else {}
    line = bytearray(framing.encode({"id": raw.number, "method": method, "params": params}))
    line[data.draw(st.integers(0, len(line) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    raw.send(bytes(line) + b"\n")
    assert raw.state == "INFUSING"
    assert raw.bench.target.app.faulty_lines >= 1  # type: ignore[attr-defined]


@pytest.mark.requirement("SR-LINK-09")
def test_a_repeated_id_acts_once_and_is_answered_the_same() -> None:
    raw = Raw()
    raw.start()
    line = framing.encode(
        {"id": raw.number, "method": "bolus", "params": {"volume_nl": 50_000, "duration_ms": 5000, "overrides": []}}
    )
    first, second, third = (raw.send(line) for _ in range(3))
    assert first == second == third
    assert "result" in first[0]
    raw.number += 1
    raw.bench.run_for(10)
    steps = raw.bench.steps
    assert [entry[3] for entry in raw.controller.log.entries].count("bolus") == 1
    oracle = Oracle(flat(25, 600))
    assert steps * oracle.step_pl < oracle.volume_pl(raw.bench.target.now_us // 1000) + 50_000 * 1000 + oracle.step_pl


@given(st.integers(-3, 10**9))
def test_an_id_out_of_order_is_refused(number: int) -> None:
    raw = Raw()
    raw.start()
    if number == raw.number:
        return
    replies = raw.send(framing.encode({"id": number, "method": "pause", "params": {}}))
    assert [code(reply) for reply in replies] == ([wire.REPLAYED] if number >= 0 else [])
    assert raw.state == "INFUSING"


@pytest.mark.requirement("SR-STOP-02")
@pytest.mark.parametrize("number", [0, 3, 10**6])
def test_stop_is_taken_at_any_id(number: int) -> None:
    raw = Raw()
    raw.start()
    assert "result" in raw.request({"id": number, "method": "stop", "params": {}})
    assert raw.state == "IDLE"


@pytest.mark.requirement("SR-BOLUS-02")
@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ({"method": "fly", "params": {}}, wire.UNKNOWN_METHOD),
        ({"method": 7, "params": {}}, wire.UNKNOWN_METHOD),
        ({"params": {}}, wire.UNKNOWN_METHOD),
        ({"method": "act", "params": {}}, wire.UNKNOWN_METHOD),
        ({"method": "__init__", "params": {}}, wire.UNKNOWN_METHOD),
        ({"method": "pause", "params": {"now": 1}}, wire.WRONG_PARAMETERS),
        ({"method": "pause", "params": [1]}, wire.WRONG_PARAMETERS),
        ({"method": "bolus", "params": {"volume_nl": 1}}, wire.WRONG_PARAMETERS),
        ({"method": "bolus", "params": {"volume_nl": "1", "duration_ms": 1, "overrides": []}}, wire.WRONG_PARAMETERS),
        ({"method": "bolus", "params": {"volume_nl": True, "duration_ms": 1, "overrides": []}}, wire.WRONG_PARAMETERS),
        ({"method": "bolus", "params": {"volume_nl": 1.5, "duration_ms": 1, "overrides": []}}, wire.WRONG_PARAMETERS),
        ({"method": "bolus", "params": {"volume_nl": -1, "duration_ms": 10_000, "overrides": []}}, wire.BEYOND_LIMIT),
        (
            {"method": "bolus", "params": {"volume_nl": 10**12, "duration_ms": 10_000, "overrides": []}},
            wire.BEYOND_LIMIT,
        ),
        (
            {"method": "bolus", "params": {"volume_nl": 5_000_000, "duration_ms": 1000, "overrides": []}},
            wire.BEYOND_LIMIT,
        ),
        (
            {"method": "bolus", "params": {"volume_nl": 1000, "duration_ms": 999_000, "overrides": []}},
            wire.BEYOND_LIMIT,
        ),
    ],
)
def test_what_is_not_a_request_of_the_table_is_refused(message: dict[str, Any], wanted: int) -> None:
    raw = Raw()
    raw.start()
    assert code(raw.request({"id": raw.number, **message})) == wanted
    assert raw.state == "INFUSING"


@pytest.mark.requirement("SR-RATE-01", "SR-STOP-01", "SR-RES-09", "SR-UI-05", "SR-AUTH-04")
@pytest.mark.requirement("SR-UI-04")
def test_the_two_steps_before_motion_cannot_be_skipped() -> None:
    raw = Raw()
    assert code(raw.ask("start")) == wire.NOT_IN_STATE
    assert code(raw.ask("confirm", digest="0" * 64, overrides=[])) == wire.DIGEST_DIFFERS
    phases = flat(25, 60)
    raw.ask("load", program={**header(phases), "phases": 2}, first=0, phases=phases)
    assert code(raw.ask("confirm", digest="0" * 64, overrides=[])) == wire.DIGEST_DIFFERS, "half a program"
    digest = raw.ask("load", program=header(phases), first=0, phases=phases)["result"]["digest"]
    assert code(raw.ask("confirm", digest=digest, overrides=[])) == wire.BEYOND_LIMIT, "no syringe was declared"
    raw.ask("syringe", syringe="bd-plastipak-20", fill_nl=20_000_000)
    assert code(raw.ask("confirm", digest=digest, overrides=[])) == wire.BEYOND_LIMIT, "another syringe was declared"
    raw.ask("syringe", syringe=SYRINGE, fill_nl=50_000_000)
    assert code(raw.ask("confirm", digest=digest[:-1] + "x", overrides=[])) == wire.DIGEST_DIFFERS
    assert "result" in raw.ask("confirm", digest=digest, overrides=[])
    assert raw.state == "READY"
    raw.ask("syringe", syringe=SYRINGE, fill_nl=40_000_000)
    assert raw.state == "IDLE", "a change after confirm"
    raw.ask("confirm", digest=digest, overrides=[])
    raw.ask("load", program=header(phases), first=0, phases=phases)
    assert raw.state == "IDLE", "a change after confirm"
    assert raw.bench.steps == 0


@pytest.mark.parametrize(
    ("phase", "wanted"),
    [
        (["infuse", 1000, 1_200 * 10**9 + 1, 1_200 * 10**9 + 1], wire.BEYOND_LIMIT),
        (["infuse", 1000, -1, -1], wire.WRONG_PARAMETERS),
        (["infuse", 1000, 1, 2], wire.WRONG_PARAMETERS),
        (["infuse", 0, 1, 1], wire.WRONG_PARAMETERS),
        (["infuse", wire.MAX_PHASE_MS + 1, 1, 1], wire.WRONG_PARAMETERS),
        (["infuse", 1000.5, 1, 1], wire.WRONG_PARAMETERS),
        (["infuse", 1000, "1", "1"], wire.WRONG_PARAMETERS),
        (["infuse", 1000, True, True], wire.WRONG_PARAMETERS),
        (["pause", 1000, 1, 1], wire.WRONG_PARAMETERS),
        (["gush", 1000, 1, 1], wire.WRONG_PARAMETERS),
        ([[], 1000, 1, 1], wire.WRONG_PARAMETERS),
        (["infuse", 1000, 1], wire.WRONG_PARAMETERS),
        ("infuse", wire.WRONG_PARAMETERS),
        (None, wire.WRONG_PARAMETERS),
    ],
)
@pytest.mark.requirement("SR-RATE-04")
def test_a_phase_beyond_the_pumps_limits_is_refused_by_the_pump(phase: Any, wanted: int) -> None:
    raw = Raw()
    assert (
        code(raw.ask("load", program=header([["infuse", 1, 0, 0]], basal_nl_h=10**9), first=0, phases=[phase]))
        == wanted
    )
    assert code(raw.ask("confirm", digest="", overrides=[])) == wire.DIGEST_DIFFERS, "nothing of it is kept"


@pytest.mark.requirement("SR-MECH-03")
def test_the_syringe_sets_a_limit_of_its_own() -> None:
    """A 5 mL syringe at the board's 2500 steps/s gives 635 mL/h, not the board's 1200."""
    raw = Raw()
    for ml_h, wanted in ((635, None), (636, wire.BEYOND_LIMIT)):
        phases = flat(ml_h, 1)
        program = header(phases, syringe="bd-plastipak-5", fill_nl=5_000_000)
        assert code(raw.ask("load", program=program, first=0, phases=phases)) == wanted


@pytest.mark.requirement("SR-DOC-02")
@pytest.mark.parametrize("key", [*wire.PROGRAM, "extra"])
def test_a_header_that_is_not_exactly_right_is_refused(key: str) -> None:
    raw = Raw()
    phases = flat(25, 60)
    good = header(phases)
    bad: list[dict[str, Any]] = [
        {**good, key: value}
        for value in (
            None,
            -1,
            10**13,
            "" if wire.PROGRAM.get(key, (str, 1))[1] else "é",
            [],
            {},
            True if key != "attended" else 2,
        )
    ]
    if key in good:
        bad.append({name: value for name, value in good.items() if name != key})
    for program in bad:
        reply = raw.ask("load", program=program, first=0, phases=phases)
        assert code(reply) in (wire.WRONG_PARAMETERS, wire.BEYOND_LIMIT), program
    assert "result" in raw.ask("load", program=good, first=0, phases=phases)


def test_parts_must_follow_each_other() -> None:
    raw = Raw()
    phases = flat(25, 60) * 3
    program = header(phases)
    assert code(raw.ask("load", program=program, first=1, phases=phases[:1])) == wire.WRONG_PARAMETERS
    assert raw.ask("load", program=program, first=0, phases=phases[:1])["result"]["received"] == 1
    assert code(raw.ask("load", program=program, first=2, phases=phases[:1])) == wire.WRONG_PARAMETERS
    assert code(raw.ask("load", program={**program, "name": "other"}, first=1, phases=phases[:1])) is not None
    assert code(raw.ask("load", program=program, first=1, phases=phases)) == wire.WRONG_PARAMETERS, "too many"
    assert raw.ask("load", program=program, first=1, phases=phases[1:])["result"]["digest"]


@pytest.mark.requirement("SR-RATE-07", "SR-BOLUS-06", "SR-BOLUS-11", "SR-UI-02", "SR-UI-06")
@pytest.mark.parametrize("method", [name for name, row in wire.METHODS.items() if row[0]])
def test_every_command_is_refused_in_the_states_that_do_not_list_it(method: str) -> None:
    event, wanted, _ = wire.METHODS[method]
    assert event is not None
    sample: dict[type, Any] = {str: "x", int: 1, bool: True, dict: {}, list: []}
    for state in STATES:
        if event in STATES[state][2]:
            continue
        raw = Raw()
        raw.controller.state = state
        reply = raw.ask(method, **{name: sample[kind] for name, kind in wanted.items()})
        assert code(reply) == wire.NOT_IN_STATE
        assert state in reply["error"]["message"]
        assert raw.state == state
