"""Gathers what the tests of a run noted, from every xdist worker, and writes the report at the end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hil import inventory, notes
from hil.bench import DEFAULT_SYRINGE
from hil.firmware_digest import firmware_digest
from hil.plugin import CALIBRATION, FIRMWARE, SEED, is_real
from hil.report import Outcome, Record, write
from titrate.calibration import volume_words

RANK = ("passed", "skipped", "failed")


class Collection:
    """A pytest plugin of the controller. folder: where the report goes."""

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._tests: dict[str, Outcome] = {}
        self._data: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        node, _, group = report.nodeid.rpartition("@")  # under --dist loadgroup the group stands behind the id
        name = node if node and "]" not in group else report.nodeid
        before = self._tests.get(name)
        seconds = report.duration + (before.seconds if before else 0)
        outcome: str = report.outcome
        reason = _reason(report)
        if before and RANK.index(before.outcome) >= RANK.index(outcome):
            outcome, reason = before.outcome, before.reason
        self._tests[name] = Outcome(name, outcome, seconds, reason)
        if data := getattr(report, "hil", None):
            self._data.append(data)

    def pytest_sessionfinish(self) -> None:
        if self._tests:
            self._path = write(self.record(), self._folder)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._tests:
            terminalreporter.write_line(f"report: {self._path}")

    def record(self) -> Record:
        target = self._config.getoption("--target")
        real = is_real(self._config)
        bench = inventory.bench_of(target) if real else None
        board = bench.pump.board if bench else "pico"
        record = Record(
            target=target,
            simulated=not real,
            firmware=self._config.stash.get(FIRMWARE, "no pump told") if real else firmware_digest(board),
            board=board,
            syringe=bench.syringe if bench else DEFAULT_SYRINGE,
            seed=None if real else SEED,
            bench=bench.name if bench else "simulated",
            tests=list(self._tests.values()),
        )
        record.environment["calibration"] = self._config.stash.get(CALIBRATION, volume_words(None))
        if seed := getattr(self._config.option, "randomly_seed", None):
            record.environment["order of the tests"] = f"random, seed {seed}"
        for data in sorted(self._data, key=_place):
            notes.add(record, data)
        return record


def _place(data: dict[str, Any]) -> list[tuple[float, str]]:
    """Where a test's figures stand: by its name, in which 5 comes before 25."""
    name = data["figures"][0]["test"] if data["figures"] else ""
    parts = enumerate(re.split(r"(\d+(?:\.\d+)?)", name))
    return [(float(part), "") if index % 2 else (0, part) for index, part in parts]


def _reason(found: pytest.TestReport) -> str:
    """Of a skip or a failure, in a line."""
    if found.skipped and isinstance(found.longrepr, tuple):
        return str(found.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(found.longrepr, "reprcrash", None)
    text = crash.message if crash else str(found.longrepr or "")
    return text.strip().splitlines()[0] if text.strip() else ""
