"""The rig as a pytest plugin: which pump the tests run on, what they may do to it, what they leave, what they note.

`--target sim`, `emu`, a serial port or a bench file. A test that asks for what the bench does not have is skipped, with
the reason; it never passes. Nothing is opened before a fixture asks for it, but for the instruments' serial numbers in
the header.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from hil.bench import Bench
    from hil.instruments.balance import SerialBalance
    from hil.instruments.observer import Observer
    from hil.notes import Notes
    from titrate.client import Pump

SIMULATED = ("sim", "emu")
DEFAULT_PLANT = "imperfect"
SEED = 1
MISSING = Path(__file__).resolve().parents[1] / "build" / "emulator-missing.txt"
NEEDS = ("balance", "occluder", "power", "link", "guard", "relays", "keys", "observer", "sound_meter")
MARKERS = (
    "bench_only(reason): on a real bench alone, for this reason; left out elsewhere",
    "emulated: runs the built image on the emulated RP2040",
    "expects(alarm, ...): alarms that the test brings about by other means than the hands of its bench",
    f"needs(instrument, ...): skipped on a bench without it; known are {', '.join(NEEDS)}",
    "plant(name): ideal, imperfect, soft or a number, for a test whose arithmetic needs it; imperfect without",
    "requirement(id): the requirement that the test shows",
    "sim_only(reason): on the simulated pump alone, for this reason",
    "slow: takes more than ten seconds",
    "syringe(name): on the simulated pump, the syringe that is fitted; the bench's default without",
)
NOTES = pytest.StashKey["Notes"]()
FIRMWARE = pytest.StashKey[str]()  # digest that a real pump has told
CALIBRATION = pytest.StashKey[str]()  # and what it said of its syringe's, in words


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hil", "the rig")
    group.addoption("--target", help="sim, emu, a serial port or a bench file; sim and emu without it")
    group.addoption("--motion", action="store_true", help="lets the motor of a real pump turn")
    group.addoption("--report", metavar="FOLDER", help="writes report.html, results.json and raw readings there")


def is_real(config: pytest.Config) -> bool:
    return config.getoption("--target") not in (None, *SIMULATED)


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    target = config.getoption("--target")
    if hasattr(config, "workerinput"):
        return
    if is_real(config):
        if config.getoption("numprocesses", None):
            raise pytest.UsageError(
                f"--target {target} is one bench: it cannot be shared by -n {config.option.numprocesses}"
            )
        _look_for(target)
    if folder := config.getoption("--report"):
        if target is None:
            raise pytest.UsageError("--report is of one target: say which by --target")
        from hil.collection import Collection

        config.pluginmanager.register(Collection(config, Path(folder)), "hil-collection")


def _look_for(target: str) -> None:
    """Ends the run, with the exit codes of the command line, where there is no such bench or no pump on it."""
    from hil import inventory
    from titrate.errors import PumpError

    try:
        inventory.port_of(inventory.bench_of(target).pump, "pump")
    except PumpError as error:
        pytest.exit(f"--target {target}: {error}", returncode=error.exit_code)


def pytest_report_header(config: pytest.Config) -> list[str]:
    target = config.getoption("--target")
    if target is None:
        return []
    from hil import inventory

    return inventory.of_target(target)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that bring a pump of their own say nothing about a real one, nor those of the chip about the simulated.

    What a simulated pump cannot be asked at all is left out there: to skip it would look as if it could be had.
    """
    if is_real(config):
        stay = [item for item in items if "bench_url" in getattr(item, "fixturenames", ())]
    else:
        stay = [item for item in items if not item.get_closest_marker("bench_only")]
        if config.getoption("--target") == "sim":
            stay = [item for item in stay if not item.get_closest_marker("emulated")]
    if len(stay) == len(items):
        return
    config.hook.pytest_deselected(items=[item for item in items if item not in stay])
    items[:] = stay


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "bench_url" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--target")
    if is_real(metafunc.config):
        params = [pytest.param(chosen, id="real")]
    elif metafunc.definition.get_closest_marker("bench_only"):
        params = [pytest.param("bench", id="real")]  # by this name the trace has it, though it is left out
    else:
        sim_only = metafunc.definition.get_closest_marker("sim_only")
        names = [name for name in SIMULATED if chosen in (None, name) and not (sim_only and name != "sim")]
        marks: dict[str, list[pytest.MarkDecorator]] = {"sim": [], "emu": [pytest.mark.emulated, pytest.mark.slow]}
        params = [pytest.param(f"{name}://", marks=marks[name], id=name) for name in names]
    metafunc.parametrize("bench_url", params, scope="module")


# --- what a bench lacks is a skip, with the reason


def _what_is_lacking(item: pytest.Item) -> None:
    """Skips a test whose marks say that this bench is not for it."""
    wanted = [name for marker in item.iter_markers("needs") for name in marker.args]
    unknown = sorted(set(wanted) - set(NEEDS))
    if unknown:
        raise pytest.UsageError(f"{item.nodeid}: needs({unknown[0]!r}); known are {', '.join(NEEDS)}")
    if not is_real(item.config):
        return
    if marker := item.get_closest_marker("sim_only"):
        pytest.skip(f"sim only: {marker.args[0]}")
    from hil import inventory

    bench = inventory.bench_of(item.config.getoption("--target"))
    for name in wanted:
        if getattr(bench, name) is None:
            pytest.skip(f'{name}: bench "{bench.name}" has no table [{name}]')


def _skipping() -> Generator[None, Any, Any]:
    try:
        return (yield)
    except Exception as error:
        from hil.instruments.errors import InstrumentMissing

        if isinstance(error, InstrumentMissing):
            pytest.skip(str(error))
        raise


def _plant_of(node: pytest.Item) -> str | int:
    marker = node.get_closest_marker("plant")
    return cast("str | int", marker.args[0]) if marker else DEFAULT_PLANT


def _syringe_of(node: pytest.Item) -> str | None:
    marker = node.get_closest_marker("syringe")
    return cast(str, marker.args[0]) if marker else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A test of the emulated bench runs in a fork that finds it started; every other as ever."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    if params.get("bench_url") != "emu://" or "bench" not in getattr(item, "fixturenames", ()):
        return None
    if MISSING.exists() or item.config.option.usepdb:
        return None
    from hil import forked

    try:
        forked.start(SEED, _plant_of(item))
    except OSError:  # there is no image: the test says so itself
        return None
    forked.run(item, nextitem)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    _what_is_lacking(item)
    return (yield from _skipping())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    return (yield from _skipping())


# --- fixtures


def need_emulator() -> None:
    """Skips with the line that set-up left where the emulator could not be had."""
    if MISSING.exists():
        pytest.skip(MISSING.read_text().strip())


def opened(config: pytest.Config, url: str, plant: str | int = DEFAULT_PLANT, syringe: str | None = None) -> Bench:
    """The bench that the fixture `bench_url` names; a real one has the plant and the syringe that it has."""
    from hil import forked
    from hil.bench import DEFAULT_SYRINGE, open_bench

    if not is_real(config):
        if url == "emu://":
            need_emulator()
            if ready := forked.take(SEED, plant):
                return ready
        return open_bench(url, seed=SEED, plant=plant, syringe=syringe or DEFAULT_SYRINGE)
    from hil import inventory
    from hil.real import RealBench

    return cast("Bench", RealBench(inventory.bench_of(url), config.getoption("--motion")))


@pytest.fixture
def bench(request: pytest.FixtureRequest, bench_url: str) -> Iterator[Bench]:
    """A fresh bench whose pump has started; afterwards, the test failed or not, it is stopped and looked at."""
    with opened(request.config, bench_url, _plant_of(request.node), _syringe_of(request.node)) as bench:
        bench.pump.status()
        yield bench
        check(request, bench)
        if not bench.simulated:
            from hil import inventory
            from titrate.calibration import volume_words

            request.config.stash[FIRMWARE] = bench.pump.hello["firmware"]
            syringe = inventory.bench_of(request.config.getoption("--target")).syringe
            found = bench.pump.calibration()["syringes"].get(syringe)
            request.config.stash[CALIBRATION] = volume_words(found)


def check(request: pytest.FixtureRequest, bench: Bench) -> None:
    """Fails where the test leaves what it must not; for fixtures that bring a bench of their own, too."""
    from hil.aftermath import leave

    expected = [name for marker in request.node.iter_markers("expects") for name in marker.args]
    wrong = leave(bench, expected)
    if wrong:
        pytest.fail("after the test: " + "; ".join(wrong), pytrace=False)


@pytest.fixture
def pump(bench: Bench) -> Pump:
    """The bench's pump, as users have it."""
    return bench.pump


@pytest.fixture
def balance(bench: Bench, notes: Notes) -> SerialBalance:
    """What weighs the open end of the line; its serial number goes into the report."""
    notes.instrument(bench.balance)
    return bench.balance


@pytest.fixture
def observer(bench: Bench) -> Observer:
    """Who looks at the pump's lamps and display."""
    return bench.observer


@pytest.fixture
def notes(request: pytest.FixtureRequest, bench_url: str) -> Notes:
    """Takes the figures, readings and curves of a test, for the report."""
    from hil.notes import Notes

    marker = request.node.get_closest_marker("requirement")
    real = is_real(request.config)
    target = request.config.getoption("--target") if real else bench_url.partition(":")[0]
    found = Notes(request.node.nodeid, target, not real, marker.args[0] if marker else "")
    request.node.stash[NOTES] = found
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if call.when == "call" and NOTES in item.stash:
        report.hil = item.stash[NOTES].data
    return report
