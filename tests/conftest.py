"""What every test shares: repeatable hypothesis runs and a note of each result. The pumps are hil.plugin's."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cuts", type=int, default=30, help="power cuts on the emulated flash")


class Outcomes:
    """Writes {node id: outcome} to build/requirements.json at the end, for tools/traceability.py.

    Tests that did not run this time keep what they had there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # Under --dist loadgroup, xdist puts the name of the group behind the id.
        node, group, name = report.nodeid.rpartition("@")
        if not group or "]" in name:
            node = report.nodeid
        if report.failed:
            self.found[node] = "failed"
        elif report.skipped:
            self.found[node] = "skipped"
        elif report.when == "call":
            self.found[node] = "passed"

    def pytest_sessionfinish(self) -> None:
        if not self.found:
            return
        self.path.parent.mkdir(exist_ok=True)
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            kept = {}
        part = self.path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(kept | self.found, indent=0, sort_keys=True), encoding="utf-8")
        part.replace(self.path)


def pytest_configure(config: pytest.Config) -> None:
    # Under xdist the workers' reports all come to the controller, which alone writes.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes(config.rootpath / "build/requirements.json"))
