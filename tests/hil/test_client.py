"""The client's side of the link: lost lines, cut-short requests, wrong builds."""

import pytest

from hil.bench import Bench, open_bench
from pump.core import framing
from tests.programs import flat, start
from titrate.errors import BadFrame, LinkError, VersionMismatch

SENT_AT_MOST = 4  # SR-LINK-08
SIM_ONLY = pytest.mark.sim_only("a host's business")


@pytest.mark.requirement("SR-LINK-08", "SR-LINK-09", "SR-LOG-01")
def test_a_lost_request_is_sent_again_and_acted_on_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    start(bench, flat(25, 60))
    write = bench.target.write
    damaged, sent = SENT_AT_MOST, 0

    def lossy(data: bytes) -> None:
        nonlocal sent
        if b"bolus" in data:
            sent += 1
            if sent <= damaged:
                data = data.replace(b"bolus", b"bonus", 1)  # whole but for its CRC
        write(data)

    monkeypatch.setattr(bench.target, "write", lossy)
    with pytest.raises(LinkError, match="no answer to bolus"):
        bench.pump.bolus(volume_nl=50_000, duration_ms=10_000)
    assert sent == SENT_AT_MOST
    bench.reconnect()
    assert "bolus" not in commands(bench)
    damaged, sent = SENT_AT_MOST - 1, 0
    bench.pump.bolus(volume_nl=50_000, duration_ms=10_000)
    assert sent == SENT_AT_MOST
    assert commands(bench).count("bolus") == 1


def commands(bench: Bench) -> list[str]:
    return [event["text"] for event in bench.pump.events() if event["kind"] == "command"]


@SIM_ONLY
@pytest.mark.requirement("SR-LINK-08", "SR-LINK-09")
def test_a_lost_reply_is_repeated_and_the_bolus_is_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    start(bench, flat(25, 60))
    read = bench.target.read
    lost = [0]

    def lossy(size: int) -> bytes:
        data = read(size)
        if lost[0] == 0 and b'"result":{"volume_nl"' in data:
            lost[0] = 1
            return data.replace(b"result", b"resulx")
        return data

    monkeypatch.setattr(bench.target, "read", lossy)
    bench.pump.bolus(volume_nl=50_000, duration_ms=10_000)
    assert lost[0] == 1
    assert commands(bench).count("bolus") == 1


@SIM_ONLY
def test_a_request_cut_short_does_not_bar_the_next(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between the request and its reply: the pump has acted, the client has not counted."""
    start(bench, flat(25, 60))
    receive = bench.pump._receive

    def interrupted(timeout_s: float) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.pump, "_receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench.pump.heartbeat()
    monkeypatch.setattr(bench.pump, "_receive", receive)
    bench.run_for(1)
    bench.pump.stop()
    assert bench.pump.status()["state"] == "IDLE"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.pump, "_receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.pump.heartbeat()
    bench.run_for(1)
    bench.pump.heartbeat()


@pytest.mark.requirement("SR-LINK-10")
def test_another_build_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = open_bench("sim://")
    answer = framing.encode({"id": 0, "result": {"wire": "1" * 16, "version": "9"}})
    monkeypatch.setattr(bench.target, "available", lambda: len(answer))
    monkeypatch.setattr(bench.target, "read", lambda size: answer)
    with pytest.raises(VersionMismatch, match="install the matching one"):
        _ = bench.pump


@pytest.mark.requirement("SR-LINK-08")
def test_a_silent_pump_is_a_link_error() -> None:
    bench = open_bench("sim://")
    bench.unplug_link()
    with pytest.raises(LinkError, match="no answer to hello"):
        _ = bench.pump


@SIM_ONLY
@pytest.mark.requirement("SR-UI-04")
def test_a_read_back_that_differs_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    request = bench.pump.request

    def altered(method: str, **params: object) -> dict[str, object]:
        reply = request(method, **params)
        if method == "load":
            reply["phases"][0][2] += 1
        return reply

    monkeypatch.setattr(bench.pump, "request", altered)
    with pytest.raises(BadFrame, match="read back"):
        start(bench, flat(25, 60))
    assert bench.pump.status()["state"] == "IDLE"
