"""Each test of the emulated chip in a copy of this process, in which its board has already started.

The chip takes seconds of CPU time to start and a fork none; and a test that crashes the emulator takes nothing with it.
A worker keeps one board for each plant that its tests ask for.
"""

from __future__ import annotations

import os
import pickle
import warnings
from typing import TYPE_CHECKING

import pytest
from _pytest.runner import runtestprotocol

if TYPE_CHECKING:
    from hil.bench import Bench

_ready: dict[tuple[int, str | int], Bench] = {}


def start(seed: int, plant: str | int) -> None:
    """Has a board ready for the tests that will ask for it; serial.SerialException where there can be none."""
    from hil.bench import open_bench

    if (seed, plant) not in _ready:
        bench = open_bench("emu://", seed=seed, plant=plant)
        bench.pump.status()
        _ready[seed, plant] = bench


def take(seed: int, plant: str | int) -> Bench | None:
    """The board that was ready when this process was forked."""
    return _ready.pop((seed, plant), None)


def run(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """The whole protocol of one test, as pytest's own: set up, called and torn down in a child, and told from here."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _in_a_child(item):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    # What earlier tests of the module had set up here is left standing only for the next one.
    item.session._setupstate.teardown_exact(nextitem)


def _in_a_child(item: pytest.Item) -> list[pytest.TestReport]:
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # xdist's receiving thread is of no use to the child
        child = os.fork()
    hooks = item.config.hook
    if not child:
        try:
            os.close(reading)
            reports = runtestprotocol(item, log=False, nextitem=None)
            told = [hooks.pytest_report_to_serializable(config=item.config, report=report) for report in reports]
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(told, pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        pickled = pipe.read()
    _, status = os.waitpid(child, 0)
    if not pickled:
        text = f"the process of this test ended before it could tell (status {status})"
        crashed = pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "call")
        return [crashed]
    return [hooks.pytest_report_from_serializable(config=item.config, data=each) for each in pickle.loads(pickled)]
