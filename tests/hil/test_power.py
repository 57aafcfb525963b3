"""Power that fails at any instant, mid-write included: nothing is forgotten, and no total is ever low (D10)."""

import random
from collections.abc import Iterator

import pytest

from hil.bench import Bench, open_bench
from hil.devices.store import Store
from hil.plugin import need_emulator
from pump.core import chain, memory
from pump.core.journal import Journal
from tests.programs import Oracle, flat, start

ML_H = 60
PROGRAM = flat(ML_H, 3600)
BOUND_STEPS = Oracle(PROGRAM).steps(memory.BOUND_S * 1000) + 4  # one checkpoint's worth
MOST_WRITES = 40  # on the flash, until the power fails
RETENTION_S = 1000 * 3600  # SR-LOG-06
WORKERS = 2  # the cuts are shared between so many tests, to run side by side


def stored(bench: Bench) -> Store:
    """The pump's files as they lie in its flash without power; a littlefs that does not mount fails loudly."""
    if bench.target.name == "sim":
        store = Store()
        store.files = dict(bench.target.store.files)  # type: ignore[attr-defined]
        return store
    from tests.emulated.test_flash import files_of

    return files_of(bench.target)  # type: ignore[arg-type]


def check_stored(bench: Bench) -> None:
    """The journal verifies: nothing but a torn end."""
    journal = Journal(stored(bench))
    findings = journal.open() + journal.verify()
    assert not [finding for finding in findings if finding[0] in chain.FAULTS]


def check_restored(bench: Bench, under_way: bool, true_steps: int) -> None:
    """After a power cut: it stands, says so, and knows what was delivered."""
    bench.restore_power()
    bench.run_for(2.5)
    steps = bench.steps
    bench.reconnect()
    status = bench.pump.status()
    if under_way:
        assert status["alarms"] == ["POWER_INTERRUPTED"]
        assert status["state"] == "ALARM"
        assert true_steps <= status["counted_steps"] <= true_steps + 2 * BOUND_STEPS
    else:
        assert status["alarms"] in ([], ["POWER_INTERRUPTED"])
    bench.pump.acknowledge()
    bench.run_for(1)
    assert bench.steps == steps, "it went on by itself"
    bench.reconnect()
    assert bench.pump.status()["state"] == "IDLE"


def until_the_power_is_gone(bench: Bench, limit_s: float) -> bool:
    """Lets the pump work, with pauses that make it write; whether the power failed."""
    for _ in range(round(limit_s / 0.5)):
        bench.run_for(0.5)
        if not bench.target._powered:  # type: ignore[attr-defined]
            return True
    return False


# --- on the simulated store: at every byte


@pytest.mark.requirement("SR-POWER-01")
@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.parametrize("first", range(0, 8000, 500))
def test_a_cut_at_any_byte_that_is_written_loses_nothing(first: int) -> None:
    """From the first write of a session on; 20 cuts in each stretch of 500 bytes."""
    for cut in range(first, first + 500, 25):
        with open_bench("sim://") as bench:
            bench.pump.status()
            bench.target.store.cut_after_bytes = cut  # type: ignore[attr-defined]
            try:
                start(bench, PROGRAM)
                started = True
            except Exception:  # the power failed in the middle of a request
                started = False
            gone = not bench.target._powered or until_the_power_is_gone(bench, 200)  # type: ignore[attr-defined]
            if not gone:
                return  # less than so many bytes are written in 200 s
            true_steps = bench.steps
            check_stored(bench)
            check_restored(bench, started and true_steps > 0, true_steps)


@pytest.mark.requirement("SR-LOG-05")
@pytest.mark.requirement("SR-LOG-06")
def test_what_the_log_told_is_there_after_a_power_cut(bench: Bench) -> None:
    start(bench, flat(25, 600))
    bench.pump.wait_status()
    bench.pump.pause()
    for _ in range(3):
        bench.pump.wait_status()
    told = {(event["sequence"], event["text"]) for event in bench.pump.event_log}
    assert {"INFUSING > PAUSED: PAUSE"} < {text for _, text in told}
    bench.cut_power()
    off_s = bench.now_s
    bench.run_for(RETENTION_S)
    assert bench.now_s - off_s == pytest.approx(RETENTION_S)
    bench.restore_power()
    bench.run_for(3)
    bench.reconnect()
    assert told <= {(event["sequence"], event["text"]) for event in bench.pump.events()}


# --- on the emulated flash, which is torn in the middle of a command


@pytest.fixture
def emulated() -> Iterator[Bench]:
    need_emulator()
    with open_bench("emu://") as bench:
        bench.target.flash.on_cut = bench.target.power_fails  # type: ignore[attr-defined]
        yield bench


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-POWER-01")
@pytest.mark.requirement("SR-LOG-05")
@pytest.mark.requirement("SR-LOG-06")
@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.parametrize("worker", range(WORKERS))
def test_the_flash_survives_a_cut_at_any_instant(emulated: Bench, worker: int, request: pytest.FixtureRequest) -> None:
    """Every other cut in the middle of an erase or a program, the others at any time."""
    bench = emulated
    flash = bench.target.flash  # type: ignore[attr-defined]
    chance = random.Random(worker)
    torn = 0
    for cut in range(request.config.getoption("--cuts") // WORKERS):
        before = bench.steps
        if cut % 2:
            flash.cut_at = flash.count + chance.randint(1, MOST_WRITES)
        try:
            start(bench, PROGRAM)
            started = True
            if cut % 2 == 0:
                bench.run_for(chance.randint(1, 2_000_000) / 1e6)
                bench.cut_power()
            elif until_the_power_is_gone(bench, 1.0):
                torn += 1
            while bench.target._powered:  # type: ignore[attr-defined]
                bench.reconnect()
                bench.pump.pause()
                bench.run_for(0.3)
                bench.reconnect()
                bench.pump.resume()
                bench.run_for(0.3)
        except Exception:  # the power failed in the middle of a request
            assert not bench.target._powered, "nothing else may go wrong"  # type: ignore[attr-defined]
            started = bench.steps > before
        flash.cut_at = None
        true_steps = bench.steps - before
        check_stored(bench)
        check_restored(bench, started and true_steps > 0, true_steps)
