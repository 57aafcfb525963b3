"""Benches for the rig's tests: every test that asks for `bench` runs on sim:// and on emu://."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.bench import Bench, open_bench

MISSING = Path(__file__).resolve().parents[2] / "build" / "emulator-missing.txt"


def need_emulator() -> None:
    """Skips with the line that set-up left where the emulator could not be had."""
    if MISSING.exists():
        pytest.skip(MISSING.read_text().strip())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "url" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--target")
        urls = [url for url in ("sim://", "emu://") if chosen in (None, url.partition(":")[0])]
        if chosen not in (None, "sim", "emu"):
            pytest.exit(f"--target {chosen}: a real port needs a bench file, which is not written yet", returncode=2)
        if metafunc.definition.get_closest_marker("sim_only"):
            urls = [url for url in urls if url == "sim://"]
        marks = {"sim://": [], "emu://": [pytest.mark.emulated, pytest.mark.slow]}
        metafunc.parametrize("url", [pytest.param(url, marks=marks[url], id=url[:3]) for url in urls], scope="module")


@pytest.fixture
def bench(url: str) -> Iterator[Bench]:
    """A fresh bench; afterwards the pump is stopped and its motor must be off."""
    if url == "emu://":
        need_emulator()
    with open_bench(url, seed=1) as bench:
        yield bench
